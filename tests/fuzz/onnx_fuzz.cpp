// ONNX models: parsed, made modules, run on small inputs within a budget.
#include "catena/graph/autograd.hpp"
#include "catena/ops/creation.hpp"
#include "catena/serialization/onnx/onnx_model.hpp"
#include "fuzz_target.hpp"

namespace {

// Zeros of the sizes the model names, 2 where it names none; nothing when that is much.
bool make_inputs(const catena::OnnxModel& model, std::vector<catena::Tensor>& inputs) {
  for (const catena::OnnxValue& value : model.inputs()) {
    catena::Shape shape;
    std::int64_t numel = 1;
    if (value.shape.size() > catena::kMaxRank) return false;
    for (const catena::OnnxSize& size : value.shape) {
      const std::int64_t n = size.size >= 0 ? size.size : 2;
      if (n > 4096 || (numel *= n) > 4096) return false;
      shape.push_back(n);
    }
    inputs.push_back(catena::zeros(shape, value.dtype));
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace catena;
  fuzz::expect_only_errors([&] {
    OnnxModel model = parse_onnx({reinterpret_cast<const char*>(data), size},
                                 {.max_bytes = 1 << 22, .max_nodes = 1000, .max_steps = 10'000});
    const NoGrad off;
    std::vector<Tensor> inputs;
    if (make_inputs(model, inputs)) model.forward(inputs);
  });
  return 0;
}
