#!/usr/bin/env bash
# Counts the instructions of a few workloads and compares them with benchmarks/instructions.txt: one
# that grew by more than 5 % is an error. Counts, unlike times, are the same on a busy machine.
#
#   tools/check_instructions.sh [BUILD_DIR]             (default: build)
#   tools/check_instructions.sh --update [BUILD_DIR]    writes the file
#
# Exits with 77, "skipped", where the counts would say nothing: another compiler, no AVX2, no
# valgrind.
set -euo pipefail
set -f  # regular expressions are no file patterns
here=$(cd "$(dirname "$0")/.." && pwd)
file=$here/benchmarks/instructions.txt
update=
if [ "${1:-}" = --update ]; then
  update=1
  shift
fi
bench=$(realpath "${1:-$here/build}")/benchmarks/catena_bench

skip() {
  echo "check_instructions: skipped: $1"
  exit 77
}
command -v valgrind >/dev/null || skip "valgrind is not installed"
grep -q -w avx2 /proc/cpuinfo || skip "this machine has no AVX2"
compiler=$(${CXX:-c++} --version | head -n 1)
if [ -z "$update" ] && ! grep -q -F "compiler: $compiler" "$file"; then
  skip "the counts are of another compiler than $compiler"
fi

# valgrind knows no AVX-512. OpenBLAS would choose its kernels by the processor's model.
export CATENA_CPU_ISA=avx2 OPENBLAS_CORETYPE=Haswell OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1

instructions() {  # WORKLOAD REPETITIONS
  valgrind --tool=callgrind --callgrind-out-file=/dev/null \
    "$bench" --filter "$1" --repetitions "$2" --file-parameters 1000000 2>&1 |
    sed -n 's/^==[0-9]*== Collected : //p'
}

if [ -n "$update" ]; then
  {
    echo "# Instructions of one repetition, written by tools/check_instructions.sh --update."
    echo "# compiler: $compiler"
  } >"$file.new"
fi
failed=
while read -r workload; do
  few=$(instructions "$workload" 5)
  many=$(instructions "$workload" 15)
  now=$(((many - few) / 10))
  if [ -n "$update" ]; then
    echo "$now $workload" >>"$file.new"
  fi
  before=$(awk -v w="$workload" '{ n = $1; $1 = ""; if (substr($0, 2) == w) print n }' "$file" 2>/dev/null || true)
  echo "check_instructions: $workload: $now, was ${before:-not counted}"
  if [ -z "$update" ] && { [ -z "$before" ] || [ "$now" -gt $((before * 105 / 100)) ]; }; then
    echo "check_instructions: that is more than 5 % above; find the cause, or where it is wanted" \
      "run tools/check_instructions.sh --update and say why in the commit" >&2
    failed=1
  fi
done <<'WORKLOADS'
W1_op_overhead size=1 operands=const grad=on
W1_op_overhead size=1 operands=leaf grad=on
W1_op_overhead size=1 operands=mix grad=on
W2_mlp opt=sgd batch=1 threads=1
W7_tree
W9_serialization
WORKLOADS
if [ -n "$update" ]; then mv "$file.new" "$file"; fi
[ -z "$failed" ]
