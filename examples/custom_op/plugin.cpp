// The op as a plugin, for programs that were built without it:
//   catena op swish --plugin libswish.so --attr beta=2 --inputs x.npy
#include <catena/graph/plugin.hpp>

#include "swish.hpp"

CATENA_PLUGIN() { register_swish(); }
