#!/bin/sh
# Builds Catena and passes its tests.
#   tools/test.sh          set up, build Release in build/, run the tests
#   tools/test.sh --all    then what is too long for every change: the suite under each forced
#                          instruction set, under sanitizers, and the long soaks; on success the date
#                          and the commit go to docs/last_full_test.md
# CATENA_BUILD_JOBS limits the compilers at work (each takes up to 1.5 GB).
set -eu
cd "$(dirname "$0")/.."

all=
for argument; do
  case $argument in
    --all) all=1 ;;
    *)
      echo "usage: tools/test.sh [--all]" >&2
      exit 2
      ;;
  esac
done

. tools/build_functions.sh
# build_in DIRECTORY CMAKE-ARGUMENT...
build_in() {
  configure "$@"
  build "$1"
}
# test_in DIRECTORY CTEST-ARGUMENT...
test_in() {
  directory=$1
  shift
  ctest --test-dir "$directory" --output-on-failure --no-tests=error -j "$cores" "$@"
}

tools/install_deps.sh
build_in build -DCMAKE_BUILD_TYPE=Release
if [ -z "$all" ]; then
  test_in build
  exit 0
fi

test_in build
for isa in baseline avx2 avx512; do
  case $isa in
    avx2) flag=avx2 ;;
    avx512) flag=avx512bw ;;
    *) flag=sse2 ;;
  esac
  if grep -q -w $flag /proc/cpuinfo; then
    echo "test: the suite with CATENA_CPU_ISA=$isa"
    CATENA_CPU_ISA=$isa test_in build -LE 'check|install'
    best=$isa
  else
    echo "test: this machine has no $isa; the suite is not run with it" >&2
    untested="${untested:-} $isa"
  fi
done

# As fast to build as the sanitizers' reports allow.
sanitize() {
  build_in "$1" -DCATENA_SANITIZE="$2" -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    -DCMAKE_CXX_FLAGS_RELWITHDEBINFO='-O1 -g1' -DCATENA_WITH_CUDA=OFF \
    -DCATENA_BUILD_BENCHMARKS=OFF -DCATENA_CPU_ISAS="$3"
}
echo "test: the suite under the address and undefined-behaviour sanitizers"
sanitize build-asan address,undefined 'baseline;avx2;avx512'
UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
  ASAN_OPTIONS=strict_string_checks=1:detect_stack_use_after_return=1 test_in build-asan

# Threads meet in the same places whatever the instruction set.
echo "test: the suite under the thread sanitizer"
sanitize build-tsan thread "$best"
TSAN_OPTIONS="halt_on_error=1:second_deadlock_stack=1:suppressions=$PWD/tools/tsan.supp" \
  test_in build-tsan

echo "test: the long soaks"
CATENA_SOAK=1 test_in build -LE 'check|install'

commit=$(git rev-parse HEAD)
if [ -n "$(git status --porcelain)" ]; then commit="$commit with uncommitted changes"; fi
{
  echo "# Last full test"
  echo
  echo "\`tools/test.sh --all\` last passed:"
  echo
  echo "- date: $(date -u '+%Y-%m-%d %H:%M UTC')"
  echo "- commit: $commit"
  echo "- machine: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $cores cores"
  echo "- compiler: $(c++ --version | head -n 1)"
  echo "- instruction sets not tested for want of the hardware:${untested:- none}"
} >docs/last_full_test.md
echo "test: all passed; written to docs/last_full_test.md"
