// Chooses the pointwise ops of one stem from ops.def. A source that says
//
//   #define CATENA_STEM_math ~,
//
// gets Macro(Struct) from CATENA_OF_STEM(math, Macro)(Struct), and nothing for any other stem.
// Not a public header.
#pragma once

#define CATENA_OF_STEM(stem, Macro) CATENA_PICK(CATENA_STEM_##stem Macro, CATENA_NOT_HERE, )
#define CATENA_PICK(...) CATENA_SECOND(__VA_ARGS__)
#define CATENA_SECOND(first, second, ...) second
#define CATENA_NOT_HERE(Struct)
