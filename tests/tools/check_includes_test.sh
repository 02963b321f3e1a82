#!/bin/sh
# Breaks each include rule once and expects the script to name file, line and rule.
#   check_includes_test.sh PATH/TO/check_includes.sh
set -eu
script=$1
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
cd "$tree"
mkdir -p graph ops nn train serialization backends/cpu backends/cuda include/catena tests
echo 'CATENA_OP(Add, add, elementwise)' >ops/ops.def
echo '#include "catena/graph/shape.hpp"' >graph/tensor.hpp
echo '#include "catena/graph/tensor.hpp"' >ops/softmax.hpp
echo '#include <xsimd/xsimd.hpp>' >backends/cpu/elementwise.cpp
echo '#include <xtensor/xarray.hpp>' >include/catena/xtensor.hpp
printf '// Hashes. Not a public header.\n#include <xxhash.h>\n' >serialization/hash.hpp
"$script" "$tree" >/dev/null || { echo "a tree that keeps the rules was refused"; exit 1; }

failed=0
# break FILE LINE-OF-CODE RULE: the code goes to line 2 of FILE.
break_rule() {
  if [ -e "$1" ]; then cp "$1" saved; else : >saved; fi
  printf '#pragma once\n%s\n' "$2" >"$1"
  if "$script" "$tree" >found 2>&1; then
    echo "not noticed: $1: $2"
    failed=1
  elif ! grep -q "^$1:2: .*$3" found; then
    echo "expected $1:2 and the rule '$3', found:"
    cat found
    failed=1
  fi
  mv saved "$1"
}
break_rule graph/a.cpp '#include "catena/ops/add.hpp"' 'may include of ours only: graph'
break_rule ops/a.cpp '#include "catena/backends/cpu/parallel.hpp"' 'may include of ours only: graph ops'
break_rule nn/a.hpp '#include "catena/train/sgd.hpp"' 'may include of ours only: graph ops nn'
break_rule train/a.hpp '#include "catena/serialization/file.hpp"' 'may include of ours only'
break_rule serialization/a.cpp '  #  include "catena/ops/all.hpp"' 'may include of ours only'
break_rule backends/cpu/a.cpp '#include "catena/backends/cuda/a.hpp"' 'may include of ours only'
break_rule graph/a.hpp '#include "shape.hpp"' 'catena/<room>/<file>'
break_rule nn/a.cpp '#include "catena/catena.hpp"' 'umbrella'
break_rule tests/a.cpp '#include "../graph/a.hpp"' 'relative'
break_rule train/a.cpp '#include <google/protobuf/message.h>' 'protobuf stays'
break_rule graph/a.hpp '#include <xtensor/xarray.hpp>' 'public headers'
break_rule nn/a.hpp '#include <fmt/core.h>' 'public headers'
break_rule backends/cpu/elementwise.cpp '#include <algorithm>' 'kernel sources'
break_rule backends/cpu/kernel.hpp '#include <cmath>' 'kernel sources'
break_rule backends/cpu/b.cpp '#include <cuda_runtime.h>' 'CUDA stays'
exit $failed
