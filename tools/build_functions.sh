# Sourced by test.sh and demo.sh, in the root of the tree.

# As many compilers as cores, but no more than the memory holds (each takes up to 1.5 GB).
cores=$(nproc)
jobs=${CATENA_BUILD_JOBS:-}
if [ -z "$jobs" ]; then
  jobs=$(awk -v cores="$cores" '/^MemAvailable/ { n = int($2 / 1572864)
    print n < 1 ? 1 : n < cores ? n : cores }' /proc/meminfo)
fi

# configure DIRECTORY CMAKE-ARGUMENT...
configure() {
  directory=$1
  shift
  if [ ! -e "$directory/CMakeCache.txt" ]; then set -- -G Ninja "$@"; fi
  if command -v ccache >/dev/null; then set -- "$@" -DCMAKE_CXX_COMPILER_LAUNCHER=ccache; fi
  cmake -S . -B "$directory" "$@"
}

# build DIRECTORY CMAKE-BUILD-ARGUMENT...
build() {
  directory=$1
  shift
  cmake --build "$directory" -j "$jobs" "$@"
}
