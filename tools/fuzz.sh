#!/bin/sh
# Feeds the readers of files made-up input with libFuzzer, under the address and undefined-behaviour
# sanitizers.
#   tools/fuzz.sh SECONDS [TARGET...]    each target of tests/fuzz, or those named (npy, onnx, ...)
# What proves interesting stays in build-fuzz/corpus/TARGET for the next time. docs/last_fuzz.md gets
# a line for each target without a fault; the input of a fault is left in build-fuzz/faults.
# Needs clang 16 or newer and its runtime library (Debian: clang-16 libclang-rt-16-dev).
set -eu
cd "$(dirname "$0")/.."

case ${1:-} in
  '' | *[!0-9]*)
    echo "usage: tools/fuzz.sh SECONDS [TARGET...]" >&2
    exit 2
    ;;
esac
seconds=$1
shift
targets=${*:-$(basename -a -s _fuzz.cpp tests/fuzz/*_fuzz.cpp)}

compiler=
for name in clang++ clang++-19 clang++-18 clang++-17 clang++-16; do
  if command -v $name >/dev/null && [ "$($name -dumpversion | cut -d. -f1)" -ge 16 ]; then
    compiler=$name
    break
  fi
done
if [ -z "$compiler" ]; then
  echo "fuzz: no clang 16 or newer here: apt-get install clang-16 libclang-rt-16-dev" >&2
  exit 1
fi

. tools/build_functions.sh
tools/install_deps.sh
configure build-fuzz -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_BUILD_TYPE=RelWithDebInfo \
  -DCMAKE_CXX_FLAGS_RELWITHDEBINFO='-O1 -g1' -DCATENA_BUILD_FUZZERS=ON \
  -DCATENA_SANITIZE=address,undefined,fuzzer-no-link -DCATENA_CPU_ISAS=avx2 \
  -DCATENA_WITH_CUDA=OFF -DCATENA_BUILD_BENCHMARKS=OFF
build build-fuzz --target $(printf 'fuzz_%s ' $targets)

seeds_of() {
  case $1 in
    native) find tests/golden -type f ;;
    onnx) find /usr/share/libonnx-testdata/data/node -name '*.onnx' ;;
    *) find "tests/fuzz/seeds/$1" -type f ;;
  esac
}

record=docs/last_fuzz.md
if [ ! -e $record ]; then
  {
    echo "# Last fuzzing"
    echo
    echo "Where \`tools/fuzz.sh\` (libFuzzer, address and undefined-behaviour sanitizers) last found no fault:"
    echo
    echo "| target | seconds | inputs | corpus | date | commit |"
    echo "|---|--:|--:|--:|---|---|"
  } >$record
fi

faults=0
mkdir -p build-fuzz/faults
for target in $targets; do
  corpus=build-fuzz/corpus/$target
  log=build-fuzz/$target.log
  mkdir -p "$corpus"
  seeds_of "$target" | paste -s -d , >"$corpus.seeds"
  echo "fuzz: $target for $seconds s (build-fuzz/$target.log)"
  if UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
    "build-fuzz/tests/fuzz/fuzz_$target" -max_total_time="$seconds" -rss_limit_mb=4096 \
    -timeout=60 -print_final_stats=1 -artifact_prefix=build-fuzz/faults/"$target"- \
    -seed_inputs=@"$corpus.seeds" "$corpus" >"$log" 2>&1; then
    inputs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    kept=$(find "$corpus" -type f | wc -l)
    sed -i "/^| $target |/d" $record
    echo "| $target | $seconds | $inputs | $kept | $(date -u +%Y-%m-%d) | $(git rev-parse --short HEAD) |" \
      >>$record
    echo "fuzz: $target: $inputs inputs, no fault"
  else
    echo "fuzz: $target found a fault; the end of its log:" >&2
    tail -n 40 "$log" >&2
    faults=$((faults + 1))
  fi
done
[ $faults -eq 0 ]
