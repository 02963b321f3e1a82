#!/usr/bin/env bash
# Packs the GPU tests, the benchmarks and the catena command with the libraries they need, to run on
# a machine that has a GPU and CUDA 13 but neither this source nor a package registry.
#   tools/gpu_bundle.sh [BUILD_DIR] [OUT.tar.gz]      (default: build, BUILD_DIR/catena-gpu.tar.gz)
# There:  tar xzf catena-gpu.tar.gz && catena-gpu/run.sh
set -euo pipefail

build=${1:-build}
out=${2:-$build/catena-gpu.tar.gz}
fail() {
  echo "gpu_bundle: $1" >&2
  exit 1
}
[ -f "$build/CMakeCache.txt" ] || fail "$build is no build folder; run cmake -B $build first"
[ -f "$build/libcatena_cuda.so" ] ||
  fail "$build has no libcatena_cuda.so; configure with -DCATENA_WITH_CUDA=ON and build"
[ -x "$build/tests/cuda/cuda_tests" ] ||
  fail "$build has no tests/cuda/cuda_tests; configure with -DCATENA_BUILD_TESTS=ON and build"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/catena-gpu

# The installed layout is the one that may be moved: programs find libraries and data beside them.
cmake --install "$build" --prefix "$root" --strip >"$work/install.log" 2>&1 ||
  fail "cmake --install failed: $(tail -n 1 "$work/install.log")"
libraries=$(dirname "$(find "$root" -name 'libcatena_core.so*' | head -n 1)")
rm -rf "$root/include" "$libraries/cmake" "$libraries/pkgconfig"

mkdir -p "$root/tests"
for program in cuda/cuda_tests cuda/libcatena_fake_backend.so op_suite; do
  if [ -f "$build/tests/$program" ]; then
    cp "$build/tests/$program" "$root/tests/"
    strip "$root/tests/$(basename "$program")"
  fi
done

# Every library that is not the target's own: glibc and the C++ runtime come with its system, CUDA
# with its toolkit.
skip='^(linux-vdso|ld-linux.*|libc|libm|libmvec|libdl|libpthread|librt|libresolv|libutil'
skip+='|libstdc\+\+|libgcc_s|libcuda|libcudart|libcublas|libcublasLt|libnv[A-Za-z-]*)\.so'
mapfile -t binaries < <(find "$root" -type f \( -perm -u+x -o -name '*.so*' \))
for binary in "${binaries[@]}"; do
  LD_LIBRARY_PATH="$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" ldd "$binary" 2>/dev/null |
    awk '$2 == "=>" && $3 ~ /^\// { print $1, $3 }'
done | sort -u | while read -r name path; do
  if [[ $name =~ $skip ]] || [ -e "$libraries/$name" ]; then continue; fi
  cp -L "$path" "$libraries/$name"
done

# What the core loads at run time, with its own needs.
for name in libopenblas.so.0; do
  path=$(ldconfig -p | awk -v name="$name" '$1 == name { print $NF; exit }')
  if [ -z "$path" ]; then continue; fi
  { echo "$name $path"; ldd "$path" | awk '$2 == "=>" && $3 ~ /^\// { print $1, $3 }'; } |
    while read -r needed from; do
      if [[ $needed =~ $skip ]] || [ -e "$libraries/$needed" ]; then continue; fi
      cp -L "$from" "$libraries/$needed"
    done
done

cat >"$root/run.sh" <<'RUN'
#!/usr/bin/env bash
# run.sh [tests|digits|bench|all] or run.sh -- COMMAND...   (default: tests, then digits)
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
libraries=$(dirname "$(find "$here" -name 'libcatena_core.so*' | head -n 1)")

# The folder of CUDA's own libraries: the toolkit, or a Python package that brings them.
cuda=
for folder in ${CUDA_HOME:+"$CUDA_HOME/lib64"} /usr/local/cuda/lib64 /usr/local/cuda-13*/lib64 \
  $(python3 -c 'import site, glob
for s in site.getsitepackages():
    print(*{p.rsplit("/", 1)[0] for p in glob.glob(s + "/nvidia/*/lib/libcublas.so.13")})' 2>/dev/null); do
  if [ -e "$folder/libcublas.so.13" ]; then
    cuda=$folder
    break
  fi
done
if [ -z "$cuda" ] && ! ldconfig -p 2>/dev/null | grep -q 'libcublas\.so\.13'; then
  echo "run.sh: no libcublas.so.13; set CUDA_HOME to the folder of CUDA 13" >&2
  exit 1
fi
export LD_LIBRARY_PATH="$libraries${cuda:+:$cuda}${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"

status=0
step() {
  echo "== $*"
  "$@" || status=1
}
tests() {
  step "$here/tests/cuda_tests" --gtest_brief=1
  if [ -x "$here/tests/op_suite" ]; then
    step "$here/tests/op_suite" --gtest_brief=1 '--gtest_filter=Cuda*'
  fi
}
digits() { step "$here/bin/catena" train digits --device cuda --out "${OUT:-$here/out}"; }
bench() { step "$here/bin/catena" bench; }

nvidia-smi -L 2>/dev/null || echo "run.sh: nvidia-smi shows no GPU"
case ${1:-default} in
  tests | digits | bench) "$1" ;;
  default) tests && digits ;;
  all) tests && digits && bench ;;
  --) shift && step "$@" ;;
  *) echo "usage: run.sh [tests|digits|bench|all] or run.sh -- COMMAND..." >&2 && exit 2 ;;
esac
exit $status
RUN
chmod +x "$root/run.sh"

tar -C "$work" -c catena-gpu | gzip -9 >"$out"
bytes=$(stat -c %s "$out")
echo "gpu_bundle: $out, $((bytes / 1024 / 1024)) MiB"
if [ "$bytes" -gt $((50 * 1024 * 1024)) ]; then
  echo "gpu_bundle: more than 50 MiB; build fewer architectures (-DCATENA_CUDA_ARCHITECTURES=90-real)"
fi
