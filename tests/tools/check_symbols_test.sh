#!/bin/sh
# A weak function of everybody's must be found in an object of a set, one of the set's own must not.
#   check_symbols_test.sh PATH/TO/check_symbols.sh COMPILER
set -eu
script=$1
compiler=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
for isa in avx2 avx512; do
  printf '%s\n' "namespace catena::cpu::$isa {" \
    'template <class T> [[gnu::noinline]] T twice(T x) { return x + x; }' \
    'float run(float x) { return twice(x); }' '}' >own.cpp
  printf '%s\n' 'template <class T> [[gnu::noinline]] T shared_twice(T x) { return x + x; }' \
    'float run(float x) { return shared_twice(x); }' >shared.cpp
  # Another set's namespace is not one's own.
  other=avx512
  if [ $isa = avx512 ]; then other=avx2; fi
  sed "s/cpu::$isa/cpu::$other/" own.cpp >other.cpp
  for source in own shared other; do
    "$compiler" -O1 -fPIC -c $source.cpp -o $source.o
  done
  "$script" $isa own.o
  if "$script" $isa own.o shared.o >found 2>&1; then
    echo "a shared symbol was not found"
    exit 1
  fi
  grep -q 'shared_twice<float>(float)' found || { cat found; exit 1; }
  if "$script" $isa other.o >found 2>&1; then
    echo "a symbol of another set was not found"
    exit 1
  fi
done
