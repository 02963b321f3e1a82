#!/bin/sh
# docs/ops.md is what the command says, and README shows the programs of examples/.
#   docs_test.sh PATH/TO/catena ROOT
set -eu
catena=$1
cd "$2"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"$catena" ops --markdown >"$dir/table"
grep '^|' docs/ops.md >"$dir/docs"
if ! diff "$dir/docs" "$dir/table"; then
  echo "docs/ops.md differs from 'catena ops --markdown'; run tools/update_docs.sh"
  exit 1
fi
# Every line of code in README is a line of the example it is taken from.
awk '/^<!-- examples/ { file = $2 } /^```cpp/ { code = 1; next } /^```/ { code = 0 }
     code && file != "" { print > "'"$dir"'/code" }' README.md
cat examples/hello/main.cpp examples/custom_op/swish.hpp examples/custom_op/swish.cpp \
  >"$dir/examples"
while IFS= read -r line; do
  if ! grep -q -x -F -e "$line" "$dir/examples"; then
    echo "README.md shows a line that no example has: $line"
    exit 1
  fi
done <"$dir/code"
