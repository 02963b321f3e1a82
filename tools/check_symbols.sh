#!/bin/sh
# Guards the choice of the instruction set at run time: a weak function that two sets define alike
# would let the linker keep the copy that the machine cannot run. So every weak function in the
# objects of a set must name that set, by our namespace or by xsimd's tag of the architecture. Weak
# and unique data (types V, v and u of nm) are constants, the same for all.
#   tools/check_symbols.sh avx2|avx512 OBJECT...
set -eu
if [ $# -lt 2 ]; then
  echo "usage: check_symbols.sh avx2|avx512 OBJECT..." >&2
  exit 2
fi
isa=$1
shift
case $isa in
  # Mangled names: the length of an identifier stands before it.
  avx2) own='3cpu4avx2|4avx2E|5xsimd4avx2|INS_4avx2|fma3.*4avx2' ;;
  avx512) own='3cpu6avx512|(7avx512f|8avx512(cd|dq|bw))' ;;
  *)
    echo "check_symbols: unknown instruction set $isa; known: avx2, avx512" >&2
    exit 2
    ;;
esac

found=$(nm -A -P --defined-only "$@" | awk '$3 ~ /^[Wwi]$/')
offenders=$(printf '%s\n' "$found" | grep -v -E "$own" | grep -v '^$' || true)
if [ -n "$offenders" ]; then
  echo "check_symbols: these symbols of $isa objects are shared with other instruction sets;" >&2
  echo "put the code in the namespace of the set, an unnamed namespace, or inline it:" >&2
  printf '%s\n' "$offenders" | awk '{ print $1, $2 }' | c++filt >&2
  exit 1
fi
echo "check_symbols: $# objects of $isa, $(printf '%s\n' "$found" | grep -c . || true) weak functions, all its own"
