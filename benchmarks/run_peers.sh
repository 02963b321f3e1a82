#!/usr/bin/env bash
# Runs catena_bench and, where there is one, the same workloads in libtorch, in turn on one pinned
# core, and prints the medians and the best times side by side.
#
#   benchmarks/run_peers.sh [BUILD_DIR]            (default: build)
#
# Environment: LIBTORCH  folder with include/ and lib/ of a libtorch (PyPI's torch package unpacked
#                        will do; libraries it needs beyond its own are found by LD_LIBRARY_PATH)
#              WORKLOADS regular expressions on workload names, run one after the other so that both
#                        sides see the machine in the same state (default: all of them)
#              ROUNDS    how often each side runs (3); the median of the rounds counts
#              CORE      the core to pin to (0)
#              FILE_PARAMETERS  size of the model of W9 (100000000: 400 MB)
#              OUT       folder for the raw lines (benchmarks/results/DATE)
set -euo pipefail
set -f  # regular expressions are no file patterns
here=$(cd "$(dirname "$0")" && pwd)
build=$(realpath "${1:-build}")
rounds=${ROUNDS:-3} core=${CORE:-0} parameters=${FILE_PARAMETERS:-100000000}
workloads=${WORKLOADS:-W1 W2_mlp.*sgd W2_(mlp.*adam|adam) W3 chain_ W4 W5 W6 W7 W8 W9 W10}
out=${OUT:-$here/results/$(date -u +%Y-%m-%d)}
ours=$build/benchmarks/catena_bench
[ -x "$ours" ] || { echo "run_peers.sh: $ours is missing; build the target catena_bench" >&2; exit 1; }
mkdir -p "$out"
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 CATENA_NUM_THREADS=1

peer=
if [ -n "${LIBTORCH:-}" ]; then
  mkdir -p "$build/peers"
  peer=$build/peers/libtorch
  if [ ! -x "$peer" ] || [ "$here/peers/libtorch.cpp" -nt "$peer" ]; then
    "${CXX:-g++}" -std=c++20 -O2 -march=native -I"$LIBTORCH/include" \
      -I"$LIBTORCH/include/torch/csrc/api/include" "$here/peers/libtorch.cpp" -o "$peer" \
      -L"$LIBTORCH/lib" -Wl,-rpath,"$LIBTORCH/lib" -Wl,--allow-shlib-undefined \
      -Wl,--no-as-needed -ltorch_cpu -lc10
  fi
  ln -sf libtorch "$build/peers/libtorch_cold"
fi

{
  echo "date $(date -u +%Y-%m-%dT%H:%M:%SZ)"
  echo "cpu $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1), core $core of $(nproc --all)"
  echo "load before $(cut -d' ' -f1-3 /proc/loadavg)"
  [ -z "$peer" ] || echo "libtorch $(sed -n "s/^__version__ = '\(.*\)'/\1/p" "$LIBTORCH/version.py" 2>/dev/null)"
} | tee "$out/context.txt"

for side in ours libtorch; do find "$out" -name "$side.*.txt" -delete; done
for round in $(seq "$rounds"); do
  for wanted in $workloads; do
    lines() { "$@" | { grep phase= || true; } || echo "failed: $*" >&2; }
    mine=(taskset -c "$core" "$ours" --filter "$wanted" --file-parameters "$parameters")
    lines "${mine[@]}" >> "$out/ours.$round.txt"
    [ -n "$peer" ] || continue
    theirs=(taskset -c "$core" "$peer" "$wanted" "$parameters")
    [[ "$wanted" == *W8* ]] && theirs=("${mine[@]}" --cold-program "$build/peers/libtorch_cold")
    lines "${theirs[@]}" >> "$out/libtorch.$round.txt"
  done
done
echo "load after $(cut -d' ' -f1-3 /proc/loadavg)" | tee -a "$out/context.txt"

# The key of a line is everything up to the phase; the value follows it.
awk '
  function middle(list,   n, v, i, j, t) {
    n = split(list, v, " ")
    for (i = 2; i <= n; i++)
      for (j = i; j > 1 && v[j-1] + 0 > v[j] + 0; j--) { t = v[j]; v[j] = v[j-1]; v[j-1] = t }
    return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
  }
  {
    at = match($0, /phase=[^ ]+/)
    key = substr($0, 1, at + RLENGTH - 1)
    split(substr($0, at + RLENGTH + 1), rest, " ")
    side = FILENAME ~ /ours\.[0-9]+\.txt$/ ? "ours" : "peer"
    if (side == "ours" && !(key in seen)) { seen[key] = 1; order[++count] = key }
    values[side, key] = values[side, key] " " rest[1]
    least = substr(rest[3], 5)
    if (!((side, key) in best) || least + 0 < best[side, key] + 0) best[side, key] = least
  }
  function ratio(a, b) { return a + 0 == 0 || b == "" ? "" : sprintf("%.2f", b / a) }
  END {
    print "| workload | Catena median | best | libtorch median | best | ratio of medians | of bests |"
    print "|---|--:|--:|--:|--:|--:|--:|"
    for (i = 1; i <= count; i++) {
      key = order[i]
      if (key ~ /phase=(fwd|bwd|free|zero_grad|save|load|write|read)$/) continue
      a = middle(values["ours", key])
      b = ("peer", key) in values ? middle(values["peer", key]) : ""
      printf "| %s | %s | %s | %s | %s | %s | %s |\n", key, a, best["ours", key], b,
             best["peer", key], ratio(a, b), ratio(best["ours", key], best["peer", key])
    }
  }' $(find "$out" -name 'ours.*.txt' | sort) $(find "$out" -name 'libtorch.*.txt' | sort) | tee "$out/table.md"
