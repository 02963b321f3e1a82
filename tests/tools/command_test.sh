#!/bin/sh
# The catena command as scripts see it: exit statuses, files, messages.
#   command_test.sh PATH/TO/catena
set -eu
catena=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
failed=0

complain() {
  echo "FAILED: $1"
  sed 's/^/  out: /' out
  sed 's/^/  err: /' err
  failed=1
}
# expect STATUS TEXT ARGUMENT...: the status, and TEXT (a basic regular expression) on standard
# output when it is 0, else on standard error.
expect() {
  status=0
  want=$1
  text=$2
  shift 2
  "$catena" "$@" >out 2>err || status=$?
  if [ $status -ne "$want" ]; then complain "$*: status $status, expected $want"; return 0; fi
  if [ "$want" -eq 0 ]; then place=out; else place=err; fi
  [ -z "$text" ] || grep -q -e "$text" $place || complain "$*: no '$text' in std$place"
  if [ "$want" -eq 0 ] && [ -s err ]; then complain "$*: messages although it is done"; fi
  if [ "$want" -ne 0 ] && [ -s out ]; then complain "$*: results although it failed"; fi
}

# --- Usage ------------------------------------------------------------------------------------------
expect 0 'catena train digits\|Usage' --help
expect 0 '^catena [0-9]' --version
expect 2 'subcommand' # nothing
expect 2 '' nonsense
expect 2 '' run
expect 2 '' train digits --model worst

# --- Ops --------------------------------------------------------------------------------------------
expect 0 '^softmax .*x .*dim=-1' ops
if grep -q '^[a-z_0-9]*  .* -  *\(ops\|fused\|-\)  ' out; then complain 'an op has no CPU kernel'; fi
expect 0 'dim (int, default -1)' ops softmax
expect 3 'softmax' ops softmx
expect 0 'output_0: float32 \[2, 3\]' op random_normal --attr shape=2,3 --output-dir a
expect 0 'output_0: float32 \[2, 3\]' op softmax --attr dim=-1 --inputs a/output_0.npy --output-dir b
expect 0 'float32 \[2\]' op sum --attr 'dims=[-1]' keepdim=false --inputs x=b/output_0.npy
expect 0 'grad_0' op relu --inputs a/output_0.npy --cotangent b/output_0.npy --output-dir c
expect 0 'output_0.pb' op softmax --inputs a/output_0.npy --output-dir b --format pb
expect 0 'output_0.npy' op neg --inputs b/output_0.pb --output-dir n
expect 0 'output_0.npy' op neg --inputs b/output_0.npy --output-dir m
cmp n/output_0.npy m/output_0.npy || complain '.pb and .npy hold different values'
for file in b/output_0.npy c/output_0.npy c/grad_0.npy; do
  [ -s $file ] || complain "$file was not written"
done
expect 0 'gradcheck: ok' op softmax --inputs a/output_0.npy --gradcheck
expect 2 'it has: dim' op softmax --attr axis=1 --inputs a/output_0.npy
expect 2 'type int' op softmax --attr dim=one --inputs a/output_0.npy
expect 2 "input 'b' is missing" op matmul --inputs a/output_0.npy
expect 2 'one too many' op relu --inputs a/output_0.npy a/output_0.npy
expect 1 '\[2, 3\]' op matmul --inputs a/output_0.npy a/output_0.npy
expect 3 'no_such_op' op no_such_op --inputs a/output_0.npy
expect 1 'missing.npy' op relu --inputs missing.npy
head -c 100 a/output_0.npy >short.npy
expect 1 'short.npy: damaged file' op relu --inputs short.npy
expect 1 'no_plugin.so' op relu --plugin no_plugin.so --inputs a/output_0.npy

# --- A model ----------------------------------------------------------------------------------------
expect 0 'test accuracy' train digits --epochs 2 --seed 3 --out d --json d.json
if grep -q "$(printf '[\033\r]')" out; then complain 'control codes, but this is no terminal'; fi
for key in test_accuracy losses epochs parameters seconds; do
  grep -q "\"$key\"" d.json || complain "d.json has no $key"
done
expect 0 'batch' inspect d/model.catena
expect 0 ': ok' check d/model.catena
expect 0 'output_0.npy' run d/model.catena --inputs d/test_pixels.npy --output-dir e
expect 0 'parameters -> d/model.onnx' convert d/model.catena d/model.onnx --opset 18
expect 0 'output_0.npy' run d/model.onnx --inputs d/test_pixels.npy --output-dir eo
expect 0 'tensors -> d/weights.safetensors' convert d/model.catena d/weights.safetensors
expect 0 'tensors -> d/weights.npz' convert d/weights.safetensors d/weights.npz
expect 0 'tensors -> d/weights.catena' convert d/weights.npz d/weights.catena
for file in weights.safetensors weights.npz test_pixels.npy; do
  expect 0 'tensor ' inspect d/$file
  expect 0 'd/.*: ok (.* tensors, .* elements)' check d/$file
done
expect 0 'fc1.weight .*float32 ' inspect d/weights.safetensors
head -c 300 d/weights.safetensors >cut.safetensors
expect 1 'cut.safetensors' check cut.safetensors
expect 1 'holds tensors but no graph' inspect d/weights.npz --dot d/no.dot
expect 1 'holds weights and no graph' convert d/weights.npz d/no.onnx
expect 3 'expected a name that ends in' convert d/model.catena d/model.txt
expect 1 'opset is 12; expected 13 to 21' convert d/model.catena d/no.onnx --opset 12
expect 0 'output_0.pb' run d/model.catena --inputs d/test_pixels.npy --output-dir e --format pb
expect 0 ': ok (1 tensors' check e/output_0.pb
cmp d/test_logits.npy e/output_0.npy || complain 'another process finds other outputs'
expect 0 'chain' inspect d/model.catena --chains
if command -v dot >/dev/null; then
  expect 0 '' inspect d/model.catena --html d/model.html
  for what in '<svg' '"name":"pixels"' '"elements":' '</html>'; do
    grep -q -- "$what" d/model.html || complain "no $what in the page of the model"
  done
  [ -e d/model.html.svg ] && complain 'a drawing is left beside the page'
fi
expect 0 '' inspect d/model.catena --dot d/model.dot
grep -q digraph d/model.dot || complain 'no drawing in d/model.dot'
expect 2 "input 'pixels' is missing" run d/model.catena --output-dir e
expect 2 "no input 'pixel'" run d/model.catena --inputs pixel=d/test_pixels.npy --output-dir e
expect 1 'pixels' run d/model.catena --inputs d/test_labels.npy --output-dir e
expect 1 'absent.catena' check absent.catena
expect 1 'absent.onnx' run absent.onnx --inputs d/test_pixels.npy --output-dir e
head -c 2000 d/model.catena >cut.catena
expect 1 'cut.catena' check cut.catena
expect 1 'cut.catena' run cut.catena --inputs d/test_pixels.npy --output-dir e
expect 1 'results' train digits --epochs 1 --json no/such/folder/results.json
expect 1 'digits.csv' train digits --epochs 1 --data no/digits.csv

# --- Profiles -----------------------------------------------------------------------------------------
expect 0 'trace: run.json' run d/model.catena --inputs d/test_pixels.npy --output-dir e --profile run.json
expect 0 'backward' train digits --model classic --epochs 1 --profile train.json
for trace in run.json train.json; do
  grep -q '"traceEvents"' $trace || complain "$trace is no trace"
done
expect 1 'the trace cannot be written' train digits --epochs 1 --profile no/such/folder/trace.json

# --- Limits -----------------------------------------------------------------------------------------
for model in d/model.catena d/model.onnx; do
  for limit in 'max_bytes 1KB' 'max_nodes 1' 'max_seconds 0'; do
    option=$(echo "--$limit" | tr _ -)
    text=${limit% *}
    expect 1 "$text" check $model $option
    expect 1 "$text" inspect $model $option
    expect 1 "$text" inspect $model --dot limited.dot $option
    expect 1 "$text" run $model --inputs d/test_pixels.npy --output-dir limited $option
    expect 1 "$text" convert $model limited.catena $option
    expect 1 "$text" convert $model limited.npz $option
  done
  expect 0 ': ok' check $model --max-bytes 500MB --max-nodes 1000 --max-seconds 60
done
for limit in 'max_bytes 1KB' 'max_seconds 0'; do
  option=$(echo "--$limit" | tr _ -)
  expect 1 "${limit% *}" convert d/weights.npz limited.catena $option
  expect 1 "${limit% *}" convert d/weights.safetensors limited.catena $option
  expect 1 "${limit% *}" op relu --inputs d/test_pixels.npy $option
  expect 1 "${limit% *}" op relu --inputs d/test_pixels.npy --cotangent e/output_0.pb $option
done
expect 0 '' op random_normal --attr shape=50000,64 --output-dir large
expect 1 'output_0.npy.*max_bytes' run d/model.catena --inputs large/output_0.npy \
  --output-dir limited --max-bytes 10MB
for file in limited*; do
  [ -e "$file" ] && complain "$file was written beyond the limits"
done
expect 2 'max-bytes' check d/model.catena --max-bytes many
expect 2 'max-seconds' check d/model.catena --max-seconds -1
expect 2 'max-nodes' op relu --inputs d/test_pixels.npy --max-nodes 1

# --- ONNX models, where Debian's test models are -----------------------------------------------------
testdata=/usr/share/libonnx-testdata/data
if [ -d $testdata ]; then
  case=$testdata/pytorch-operator/test_operator_params
  relu=$testdata/simple/test_single_relu_model
  expect 0 'ok (ONNX opset 9, 1 nodes, 0 parameters)' check $relu/model.onnx
  expect 0 '1 Relu' inspect $relu/model.onnx
  expect 0 'x float32 \[1, 2\]' inspect $relu/model.onnx
  expect 0 'float32 \[1, 2\] -> o/output_0.pb' run $relu/model.onnx \
    --inputs $relu/test_data_set_0/input_0.pb --output-dir o
  expect 0 'parameter' inspect $case/model.onnx
  expect 0 '1 calls, 0 parameters -> relu.catena' convert $relu/model.onnx relu.catena
  expect 0 'ok (graph, 1 calls' check relu.catena
  expect 0 '' inspect $relu/model.onnx --dot relu.dot
  grep -q 'relu' relu.dot || complain 'inspect --dot of an ONNX model: no relu'
  expect 3 'NonMaxSuppression' check $testdata/node/test_nonmaxsuppression_single_box/model.onnx
  expect 3 '.catena' convert $relu/model.onnx relu.txt
  head -c 60 $relu/model.onnx >cut.onnx
  expect 1 'cut.onnx' check cut.onnx
fi

# --- The small tasks --------------------------------------------------------------------------------
expect 0 'reached' train line --seed 2 --out pictures/line --json line.json
grep -q '"reached": true' line.json || complain 'train line: no result in its JSON'
[ -s pictures/line/line.gp ] || complain 'train line: no picture was described'
expect 0 'score' train multilayer --loss mse --layers 8,8 --epochs 2 --out pictures/multilayer
expect 2 'log_loss' train multilayer --loss crossentropy
expect 0 'score' train cnn --epochs 1 --out pictures/cnn
expect 0 'score' train rnn --epochs 1  # reads the data beside the program
[ -s pictures/cnn/filters.png ] || complain 'train cnn: no filters were drawn'
expect 1 'no/cifar/data_batch_1.bin' train cnn --cifar no/cifar
expect 2 '' train line --epochs 3

# --- A training in two parts ---------------------------------------------------------------------
expect 0 '' train digits --epochs 4 --json whole.json
expect 0 '' train digits --epochs 2 --save half.catena
expect 0 ': ok' check half.catena
expect 0 'Epoch 4/4' train digits --epochs 4 --resume half.catena --save half.catena --json parts.json
for file in whole parts; do grep -v seconds $file.json >$file.txt; done
cmp whole.txt parts.txt || complain 'a resumed training finds other numbers'
status=0
"$catena" train digits --model classic --resume half.catena >out 2>err || status=$?
{ [ $status -eq 1 ] && grep -q 'hidden.weight' err; } || complain 'a state of another model is taken'
expect 1 'absent.catena' train digits --resume absent.catena
expect 1 'no/such/folder' train digits --epochs 1 --save no/such/folder/s.catena
# Ctrl-C, once: timeout signals the group too unless in the foreground, and a second one ends at once.
# (What a script starts with & ignores it, hence timeout.)
status=0
timeout --foreground --preserve-status -s INT 2 "$catena" train digits --model classic --epochs 10000000 \
  --save stopped.catena >out 2>err || status=$?
[ $status -eq 130 ] || complain "Ctrl-C: status $status, expected 130"
grep -q 'Interrupted in epoch .* to go on: catena train digits .* --resume stopped.catena' out ||
  complain 'Ctrl-C: nothing says how to go on'
expect 0 ': ok' check stopped.catena

# --- Benchmarks -------------------------------------------------------------------------------------
if [ -x "$(dirname "$catena")/../benchmarks/catena_bench" ]; then
  expect 1 'no workload matches' bench --filter 'no such workload'
else
  expect 3 'no benchmarks' bench
fi

if [ -e /dev/full ]; then
  status=0
  "$catena" ops >/dev/full 2>err || status=$?
  : >out
  [ $status -eq 1 ] || complain "a full disk: status $status, expected 1"
fi
exit $failed
