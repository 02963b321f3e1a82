# Warnings, sanitizers and code generation shared by all targets of this project.
add_library(catena_flags INTERFACE)
target_compile_options(catena_flags INTERFACE
  -Wall -Wextra -Wno-missing-field-initializers -ffp-contract=off -fno-semantic-interposition
  -fno-math-errno
  # A decoder's forward takes two tensors where a layer's takes one.
  $<$<CXX_COMPILER_ID:Clang>:-Wno-overloaded-virtual>)
if(CATENA_SANITIZE)
  target_compile_options(catena_flags INTERFACE -fsanitize=${CATENA_SANITIZE} -fno-omit-frame-pointer -g1)
  target_link_options(catena_flags INTERFACE -fsanitize=${CATENA_SANITIZE})
endif()
