#!/bin/sh
# Installs what Catena is built with, and only what is missing (Debian 12, apt).
#   tools/install_deps.sh          install
#   tools/install_deps.sh --list   print the packages, install nothing
set -eu

packages="
g++ cmake ninja-build
libopenblas-dev libdnnl-dev libxsimd-dev libxbyak-dev libtbb-dev libboost-dev libfmt-dev
libprotobuf-dev protobuf-compiler libxxhash-dev
zlib1g-dev libpng-dev libjpeg62-turbo-dev libminizip-dev nettle-dev
libcli11-dev nlohmann-json3-dev
libgtest-dev libonnx-testdata libxtensor-dev libxtensor-blas-dev
gnuplot-nox graphviz valgrind"

if [ "${1:-}" = --list ]; then
  printf '%s\n' $packages
  exit 0
fi
if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "install_deps: no apt here; Catena needs what these Debian packages hold:" $packages >&2
  exit 0
fi

missing=
for package in $packages; do
  state=$(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null || true)
  case $state in
    ii*) ;;
    *) missing="$missing $package" ;;
  esac
done
if [ -z "$missing" ]; then
  echo "install_deps: all packages are installed"
  exit 0
fi

as_root=
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "install_deps: missing:$missing" >&2
    echo "install_deps: cannot install them: not root, and there is no sudo" >&2
    exit 1
  fi
  as_root=sudo
fi
run() {
  echo "install_deps: $*"
  $as_root env DEBIAN_FRONTEND=noninteractive "$@"
}
run apt-get update -q
run apt-get install -q -y --no-install-recommends $missing
