// Every reader of models, weights and arrays obeys the limits of its options.
#include <gtest/gtest.h>

#include <functional>

#include "catena/ops/all.hpp"
#include "catena/serialization/describe.hpp"
#include "catena/serialization/npy.hpp"
#include "catena/serialization/npz.hpp"
#include "catena/serialization/onnx/onnx_model.hpp"
#include "catena/serialization/onnx/save_onnx.hpp"
#include "catena/serialization/safetensors.hpp"
#include "catena/serialization/save_load.hpp"
#include "catena/serialization/tensor_proto.hpp"
#include "file_builder.hpp"
#include "support.hpp"

namespace catena {
namespace {

using test::expect_error;

class Limits : public test::FileTest {
 protected:
  using Read = std::function<void(const LoadOptions&)>;

  // A file of a few hundred bytes.
  void expect_obeyed(const Read& read) const {
    EXPECT_NO_THROW(read({.max_seconds = 1000}));
    expect_error<ArgumentError>([&] { read({.max_seconds = 0}); },
                                {path_.c_str(), "took more than 0 seconds; raise max_seconds"});
    expect_error<ArgumentError>([&] { read({.max_bytes = 100}); }, {path_.c_str(), "max_bytes"});
  }
  Graph two_nodes() const {
    TraceOptions options;
    options.parameters = {{"w", weight_}};
    return trace([&](const Tensor& x) { return relu(x * weight_); }, ones({100}), options);
  }
  OnnxLoadOptions onnx(const LoadOptions& o) const {
    return {.max_bytes = o.max_bytes, .max_nodes = o.max_nodes, .max_seconds = o.max_seconds};
  }
  Tensor weight_ = ones({100});
};

TEST_F(Limits, OfNativeFiles) {
  save(path_, two_nodes());
  expect_obeyed([&](const LoadOptions& o) { load_graph(path_, o); });
  expect_obeyed([&](const LoadOptions& o) { load_tensors(path_, o); });
  expect_obeyed([&](const LoadOptions& o) { read_info(path_, o); });
  expect_obeyed([&](const LoadOptions& o) {
    load_parameters(std::vector<NamedTensor>{{"w", zeros({100})}}, path_, true, o);
  });
  expect_error<ArgumentError>([&] { load_graph(path_, {.max_nodes = 1}); }, {"max_nodes"});
  expect_error<ArgumentError>([&] { read_info(path_, {.max_nodes = 1}); }, {"max_nodes"});
}

TEST_F(Limits, OfCheckpoints) {
  State state;
  state.add("w", weight_);
  save_checkpoint(path_, state);
  expect_obeyed([&](const LoadOptions& o) { load_checkpoint(path_, o); });
}

TEST_F(Limits, OfWeights) {
  const std::vector<NamedTensor> tensors{{"w", weight_}}, into{{"w", zeros({100})}};
  save_safetensors(tensors, path_);
  expect_obeyed([&](const LoadOptions& o) { load_safetensors(path_, o); });
  expect_obeyed([&](const LoadOptions& o) { load_safetensors_metadata(path_, o); });
  expect_obeyed([&](const LoadOptions& o) { load_parameters(into, path_, {.load = o}); });
  save_npz(tensors, path_, true);
  expect_obeyed([&](const LoadOptions& o) { load_npz(path_, o); });
  expect_obeyed([&](const LoadOptions& o) { load_npz(path_, "w", o); });
  expect_obeyed([&](const LoadOptions& o) { load_parameters(into, path_, {.load = o}); });
}

TEST_F(Limits, OfArrays) {
  save_npy(weight_, path_);
  expect_obeyed([&](const LoadOptions& o) { load_npy(path_, o); });
  save_tensor_proto(weight_, path_);
  expect_obeyed([&](const LoadOptions& o) { load_tensor_proto(path_, o); });
}

TEST_F(Limits, OfOnnxModels) {
  save_onnx(two_nodes(), path_);
  expect_obeyed([&](const LoadOptions& o) { load_onnx(path_, onnx(o)); });
  expect_error<ArgumentError>([&] { load_onnx(path_, {.max_nodes = 1}); }, {"raise max_nodes"});
  const std::string bytes = test::read_file(path_);
  expect_error<ArgumentError>([&] { parse_onnx(bytes, {.max_seconds = 0}); },
                              {"(memory)", "raise max_seconds"});
  // Data in another file.
  save_onnx(two_nodes(), path_, {.external_data_above = 1});
  expect_obeyed([&](const LoadOptions& o) { load_onnx(path_, onnx(o)); });
}

}  // namespace
}  // namespace catena
