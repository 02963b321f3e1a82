#!/bin/sh
# From a fresh clone to a trained classifier of handwritten digits: sets up, builds, trains, and has a
# second process load the model and find the same predictions.
#   tools/demo.sh [OPTIONS OF catena train digits]     e.g. --model classic, --seed 3, --device cuda
set -eu
cd "$(dirname "$0")/.."
started=$(date +%s)

device=cpu
previous=
for argument; do
  case $previous:$argument in
    --device:*) device=$argument ;;
    *:--device=*) device=${argument#--device=} ;;
  esac
  previous=$argument
done
targets=catena_tool
case $device in
  cuda*) targets="$targets catena_cuda" ;;
esac

tools/install_deps.sh
. tools/build_functions.sh
configure build -DCMAKE_BUILD_TYPE=Release
build build --target $targets

out=out/digits
rm -rf $out
echo
build/bin/catena train digits --out $out --json $out.json "$@"
mv $out.json $out/results.json

echo
echo "A second process loads the model and runs it on the test digits:"
build/bin/catena run $out/model.catena --inputs $out/test_pixels.npy --output-dir $out/second \
  --device "$device"
if cmp $out/test_logits.npy $out/second/output_0.npy; then
  echo "Its predictions are identical, bit by bit."
else
  echo "demo: the second process found other predictions" >&2
  exit 1
fi
echo "Time taken, setting up and building included: $(($(date +%s) - started)) s"
