// W6: a training step of two pre-norm encoder blocks of 256 features, 4 heads and 1024 hidden
// units on 8 sequences of 128 positions, with SGD: written by hand, and as the layer.
#include <catena/backends/cpu/parallel.hpp>
#include <catena/catena.hpp>

#include "workloads.hpp"

namespace bench {

using catena::Tensor;

namespace {

constexpr std::int64_t kBatch = 8, kLength = 128, kFeatures = 256, kHeads = 4;

// A block of basic layers and the attention op.
struct Block : catena::nn::Module {
  catena::nn::Linear qkv{kFeatures, 3 * kFeatures}, out{kFeatures, kFeatures},
      up{kFeatures, 4 * kFeatures}, down{4 * kFeatures, kFeatures};
  catena::nn::LayerNorm norm1{{kFeatures}}, norm2{{kFeatures}};
  Block() {
    add("qkv", qkv);
    add("out", out);
    add("up", up);
    add("down", down);
    add("norm1", norm1);
    add("norm2", norm2);
  }
  Tensor forward(Tensor x) override {
    const Tensor parts = qkv(norm1(x))
                             .reshape({kBatch, kLength, 3, kHeads, kFeatures / kHeads})
                             .permute({2, 0, 3, 1, 4});
    const Tensor y = scaled_dot_product_attention(parts[0], parts[1], parts[2]);
    x = x + out(y.transpose(1, 2).reshape({kBatch, kLength, kFeatures}));
    return x + down(relu(up(norm2(x))));
  }
};

template <class Net>
void step(Session& session, const std::string& form, Net net) {
  const std::string name = "W6_transformer form=" + form + " layers=2 batch=8 seq=128 threads=" +
                           std::to_string(catena::num_threads());
  if (!session.selected(name)) return;
  const Tensor x = catena::randn({kBatch, kLength, kFeatures});
  catena::optim::SGD optimizer(net.parameters(), {.lr = 1e-4});
  Benchmark(session, name).warm_up(3).seconds(3).run([&](Clock& clock) {
    optimizer.zero_grad();
    clock.lap("zero_grad");
    const Tensor y = net(x);
    Tensor loss = (y * y).mean();
    clock.lap("fwd");
    loss.backward();
    clock.lap("bwd");
    optimizer.step();
    clock.lap("optim");
  });
}

}  // namespace

void transformer(Session& session) {
  using namespace catena::nn;
  step(session, "hand", Sequential(Block(), Block()));
  const TransformerOptions options{
      .dim_feedforward = 4 * kFeatures, .dropout = 0, .batch_first = true};
  step(session, "layer",
       TransformerEncoder(TransformerEncoderLayer(kFeatures, kHeads, options), 2));
}

}  // namespace bench
