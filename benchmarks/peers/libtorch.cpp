// The workloads of catena_bench written for libtorch, with the same harness, sizes and warm-up.
// run_peers.sh builds it. Usage: libtorch [FILTER] [W9 PARAMETERS]; as libtorch_cold it is
// what W8 starts.
#include <unistd.h>

#include <filesystem>
#include <regex>

#include <torch/torch.h>

#include "../harness.hpp"
#include "../trees.hpp"

namespace {

using bench::Benchmark;
using bench::Clock;
using bench::Session;
using torch::Tensor;
namespace F = torch::nn::functional;

Tensor leaf(long n, float value) { return torch::full({n}, value).requires_grad_(true); }

Tensor chain(const Tensor& x, const Tensor& c, const Tensor& d) {
  Tensor y = x;
  for (int i = 0; i < 500; ++i) {
    y = y + c;
    y = y * d;
  }
  return y;
}

Tensor chain_of_numbers(const Tensor& x) {
  Tensor y = x;
  for (int i = 0; i < 500; ++i) {
    y = y + 1e-3;
    y = y * 0.999;
  }
  return y;
}

Tensor mix(const Tensor& x, const Tensor& p, const Tensor& c, const Tensor& d, long n) {
  Tensor y = x;
  for (int i = 0; i < 100; ++i) {
    Tensor a = y * p;
    Tensor b = a + c;
    Tensor view = b.reshape({1, n});
    y = (view.reshape({n}) - a * p) * d + c;
    y = y * d - c;
  }
  return y;
}

void small_ops(Session& session) {
  for (long n : {1L, 64L}) {
    Tensor x = leaf(n, 0.7f), p = leaf(n, 0.5f), q = leaf(n, 0.999f);
    Tensor c = torch::full({n}, 1e-3f), d = torch::full({n}, 0.999f), seed = torch::ones({n});
    const std::string name = "W1_op_overhead size=" + std::to_string(n);
    auto step = [&](const std::string& what, auto forward) {
      Benchmark(session, name + " operands=" + what + " grad=on")
          .units(1000)
          .run([&](Clock& clock) {
            for (Tensor* t : {&x, &p, &q}) t->mutable_grad() = Tensor();
            clock.skip();
            Tensor y = forward();
            clock.lap("fwd");
            y.backward(seed);
            clock.lap("bwd");
            y.reset();
            clock.lap("free");
          });
    };
    step("const", [&] { return chain(x, c, d); });
    step("leaf", [&] { return chain(x, p, q); });
    step("number", [&] { return chain_of_numbers(x); });
    step("mix", [&] { return mix(x, p, c, d, n); });
    Benchmark(session, name + " operands=const grad=no_grad").units(1000).run([&](Clock& clock) {
      torch::NoGradGuard off;
      Tensor y = chain(x, c, d);
      clock.lap("fwd");
    });
  }
}

torch::nn::Sequential make_mlp() {
  using namespace torch::nn;
  return Sequential(Linear(784, 512), ReLU(), Linear(512, 512), ReLU(), Linear(512, 10));
}

Tensor classes(long n, long count) {
  return torch::arange(n, torch::kLong).mul(7919).remainder(count);
}

constexpr double kRate = 1e-7;

template <class MakeOptimizer>
void mlp_steps(Session& session, const std::string& name, MakeOptimizer make_optimizer) {
  for (long batch : {1L, 32L, 256L}) {
    auto net = make_mlp();
    auto optimizer = make_optimizer(net->parameters());
    Tensor x = torch::randn({batch, 784}), target = classes(batch, 10);
    Benchmark(session, "W2_mlp opt=" + name + " batch=" + std::to_string(batch) + " threads=1")
        .warm_up(10)
        .run([&](Clock& clock) {
          optimizer->zero_grad();
          clock.lap("zero_grad");
          Tensor loss = F::cross_entropy(net->forward(x), target);
          clock.lap("fwd");
          loss.backward();
          clock.lap("bwd");
          optimizer->step();
          clock.lap("optim");
        });
  }
}

void mlp(Session& session) {
  using namespace torch::optim;
  mlp_steps(session, "sgd",
            [](std::vector<Tensor> p) { return std::make_unique<SGD>(p, SGDOptions(kRate)); });
  mlp_steps(session, "adam",
            [](std::vector<Tensor> p) { return std::make_unique<Adam>(p, AdamOptions(kRate)); });
  auto net = make_mlp();
  Adam adam(net->parameters(), AdamOptions(kRate));
  for (Tensor& p : net->parameters()) p.mutable_grad() = torch::randn_like(p);
  Benchmark(session, "W2_adam_update parameters=668170 threads=1")
      .warm_up(10)
      .run([&](Clock& clock) {
        adam.step();
        clock.lap("optim");
      });
}

struct LeNetImpl : torch::nn::Module {
  torch::nn::Conv2d c1{torch::nn::Conv2dOptions(1, 6, 5)}, c2{torch::nn::Conv2dOptions(6, 16, 5)};
  torch::nn::Linear f1{256, 120}, f2{120, 84}, f3{84, 10};
  LeNetImpl() {
    register_module("c1", c1);
    register_module("c2", c2);
    register_module("f1", f1);
    register_module("f2", f2);
    register_module("f3", f3);
  }
  Tensor forward(Tensor x) {
    x = torch::max_pool2d(torch::relu(c1(x)), 2);
    x = torch::max_pool2d(torch::relu(c2(x)), 2);
    return f3(torch::relu(f2(torch::relu(f1(x.flatten(1))))));
  }
};

torch::nn::Conv2d convolution(long in, long out, long kernel, long stride) {
  return torch::nn::Conv2d(
      torch::nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2).bias(false));
}

struct ResidualBlockImpl : torch::nn::Module {
  bool projects;
  torch::nn::Conv2d a, b, p;
  torch::nn::BatchNorm2d na, nb, np;
  ResidualBlockImpl(long in, long out, long stride)
      : projects(stride != 1 || in != out),
        a(convolution(in, out, 3, stride)),
        b(convolution(out, out, 3, 1)),
        p(convolution(in, out, 1, stride)),
        na(out),
        nb(out),
        np(out) {
    register_module("a", a);
    register_module("na", na);
    register_module("b", b);
    register_module("nb", nb);
    if (!projects) return;
    register_module("p", p);
    register_module("np", np);
  }
  Tensor forward(Tensor x) {
    const Tensor y = nb(b(torch::relu(na(a(x)))));
    return torch::relu(y + (projects ? np(p(x)) : x));
  }
};
TORCH_MODULE(ResidualBlock);

struct ResNetImpl : torch::nn::Module {
  torch::nn::Conv2d stem = convolution(3, 64, 3, 1);
  torch::nn::BatchNorm2d norm{64};
  torch::nn::Sequential blocks;
  torch::nn::Linear head{512, 10};
  ResNetImpl() {
    long in = 64;
    for (const long out : {64L, 128L, 256L, 512L})
      for (int k = 0; k < 2; ++k) {
        blocks->push_back(ResidualBlock(in, out, k == 0 && out != 64 ? 2 : 1));
        in = out;
      }
    register_module("stem", stem);
    register_module("norm", norm);
    register_module("blocks", blocks);
    register_module("head", head);
  }
  Tensor forward(Tensor x) {
    x = blocks->forward(torch::relu(norm(stem(x))));
    return head(x.mean(at::IntArrayRef{2, 3}));
  }
};

template <class Model>
void image_steps(Session& session, const std::string& name, const Tensor& x, int warm_up) {
  Model net;
  torch::optim::SGD optimizer(net.parameters(), torch::optim::SGDOptions(0.01));
  const Tensor target = classes(x.size(0), 10);
  Benchmark(session, "W4_" + name + " batch=" + std::to_string(x.size(0)) + " threads=1")
      .warm_up(warm_up)
      .run([&](Clock& clock) {
        optimizer.zero_grad();
        clock.lap("zero_grad");
        Tensor loss = F::cross_entropy(net.forward(x), target);
        clock.lap("fwd");
        loss.backward();
        clock.lap("bwd");
        optimizer.step();
        clock.lap("optim");
      });
}

void images(Session& session) {
  image_steps<LeNetImpl>(session, "lenet", torch::randn({64, 1, 28, 28}), 10);
  image_steps<ResNetImpl>(session, "resnet18_cifar", torch::randn({32, 3, 32, 32}), 2);
}

void pointwise(Session& session) {
  for (long n : {16L << 20, 4096L}) {
    const std::string name =
        "W3_elementwise consts=scalar n=" + std::to_string(n) + " unit=element threads=1";
    if (!session.selected(name)) continue;
    Tensor x = torch::randn({n}).requires_grad_(true);
    Benchmark b(session, name);
    b.units(static_cast<double>(n)).warm_up(n > 4096 ? 2 : 10);
    if (n > 4096) b.repetitions(7, 20).seconds(8);
    b.run([&](Clock& clock) {
      x.mutable_grad() = Tensor();
      clock.skip();
      Tensor y = (torch::tanh(x * 1.5 + 0.25) * torch::sigmoid(x) + torch::relu(x)).sum();
      clock.lap("fwd");
      y.backward();
      clock.lap("bwd");
    });
  }
}

// The chains of chains.cpp, an op at a time as libtorch runs them.
void w3_chain(Session& session, long n) {
  Tensor x = torch::randn({n}).requires_grad_(true);
  Benchmark(session, "W3_chain n=" + std::to_string(n) + " unit=element threads=1 how=chain")
      .units(static_cast<double>(n))
      .warm_up(2)
      .repetitions(7, 400)
      .run([&](Clock& clock) {
        x.mutable_grad() = Tensor();
        clock.skip();
        Tensor y = (torch::tanh(x * 1.5 + 0.25) * torch::sigmoid(x) + torch::relu(x)).sum();
        clock.lap("fwd");
        y.backward();
        clock.lap("bwd");
      });
}

void transformer_chain(Session& session) {
  constexpr long kRows = 1024, kWidth = 2048;
  Tensor h = torch::randn({kRows, kWidth}).requires_grad_(true);
  Tensor b = torch::randn({kWidth}).requires_grad_(true);
  Tensor r = torch::randn({kRows, kWidth}).requires_grad_(true), g = torch::randn({kRows, kWidth});
  Benchmark(session,
            "chain_block gelu+bias+dropout+residual shape=1024x2048 unit=element threads=1 "
            "how=chain")
      .units(static_cast<double>(kRows * kWidth))
      .warm_up(2)
      .repetitions(7, 400)
      .run([&](Clock& clock) {
        for (Tensor* t : {&h, &b, &r}) t->mutable_grad() = Tensor();
        clock.skip();
        Tensor y = torch::dropout(torch::gelu(h + b), 0.1, true) + r;
        clock.lap("fwd");
        y.backward(g);
        clock.lap("bwd");
      });
}

void lstm_chain(Session& session) {
  constexpr long kRows = 256, kWidth = 1024;
  Tensor gates = torch::randn({kRows, 4 * kWidth}).requires_grad_(true);
  Tensor c = torch::randn({kRows, kWidth}).requires_grad_(true), g = torch::randn({kRows, kWidth});
  Benchmark(session, "chain_lstm gates by ops shape=256x1024 unit=element threads=1 how=chain")
      .units(static_cast<double>(kRows * kWidth))
      .warm_up(2)
      .repetitions(7, 400)
      .run([&](Clock& clock) {
        gates.mutable_grad() = Tensor();
        c.mutable_grad() = Tensor();
        clock.skip();
        const auto gate = [&](long k) { return gates.slice(1, k * kWidth, (k + 1) * kWidth); };
        Tensor next = torch::sigmoid(gate(1)) * c + torch::sigmoid(gate(0)) * torch::tanh(gate(2));
        Tensor y = torch::sigmoid(gate(3)) * torch::tanh(next);
        clock.lap("fwd");
        y.backward(g);
        clock.lap("bwd");
      });
}

void adam_chain(Session& session) {
  constexpr long kCount = 4 << 20;
  torch::NoGradGuard off;
  Tensor p = torch::randn({kCount}), m = torch::zeros({kCount}), v = torch::zeros({kCount});
  const Tensor g = torch::randn({kCount});
  const double step = 1e-3 / 0.1, root_scale = 1 / std::sqrt(0.001);
  Benchmark(session, "chain_adam by ops n=4194304 unit=element threads=1 how=chain")
      .units(static_cast<double>(kCount))
      .warm_up(2)
      .repetitions(7, 400)
      .run([&](Clock& clock) {
        m = m * 0.9 + g * 0.1;
        v = v * 0.999 + g * g * 0.001;
        p.add_(m * step / (torch::sqrt(v) * root_scale + 1e-8), -1);
        clock.lap("step");
      });
}

void normalize_chain(Session& session) {
  const Tensor x = torch::rand({16, 3, 224, 224});
  const Tensor mean = torch::tensor({0.485, 0.456, 0.406}, torch::kFloat).reshape({3, 1, 1});
  const Tensor stddev = torch::tensor({0.229, 0.224, 0.225}, torch::kFloat).reshape({3, 1, 1});
  Benchmark(session,
            "chain_normalize (x - mean) / std images=16x3x224x224 unit=element threads=1 "
            "how=chain")
      .units(16.0 * 3 * 224 * 224)
      .warm_up(2)
      .repetitions(7, 400)
      .run([&](Clock& clock) {
        const Tensor y = (x - mean) / stddev;
        clock.lap("run");
      });
}

void chains(Session& session) {
  for (const int bits : {6, 12, 16, 20, 24}) w3_chain(session, 1L << bits);
  transformer_chain(session);
  lstm_chain(session);
  adam_chain(session);
  normalize_chain(session);
}

void lstm(Session& session) {
  const long steps = 64, batch = 32, input = 128, hidden = 256;
  const Tensor x = torch::randn({steps, batch, input});
  const auto run = [&](const std::string& form, std::vector<Tensor> parameters, const auto& loss) {
    Benchmark(session, "W5_lstm form=" + form + " seq=64 batch=32 threads=1")
        .warm_up(3)
        .seconds(3)
        .run([&](Clock& clock) {
          for (Tensor& t : parameters) t.mutable_grad() = Tensor();
          clock.skip();
          Tensor value = loss();
          clock.lap("fwd");
          value.backward();
          clock.lap("bwd");
        });
  };
  torch::nn::LSTM net(torch::nn::LSTMOptions(input, hidden));
  run("nn_LSTM", net->parameters(), [&] { return std::get<0>(net->forward(x)).sum(); });
  const auto scaled = [](at::IntArrayRef shape) {
    return (torch::randn(shape) * 0.05).requires_grad_(true);
  };
  Tensor wx = scaled({input, 4 * hidden}), wh = scaled({hidden, 4 * hidden}),
         b = scaled({4 * hidden});
  const auto unrolled = [&](bool hoisted) {
    Tensor h = torch::zeros({batch, hidden}), c = h, total;
    const Tensor projected =
        hoisted ? torch::addmm(b, x.view({steps * batch, input}), wx).view({steps, batch, -1})
                : Tensor();
    for (long t = 0; t < steps; ++t) {
      const Tensor sums = hoisted ? torch::addmm(projected[t], h, wh)
                                  : torch::addmm(b, x[t], wx) + torch::mm(h, wh);
      const auto gates = sums.chunk(4, 1);
      c = torch::sigmoid(gates[1]) * c + torch::sigmoid(gates[0]) * torch::tanh(gates[2]);
      h = torch::sigmoid(gates[3]) * torch::tanh(c);
      total = total.defined() ? total + h.sum() : h.sum();
    }
    return total;
  };
  run("unrolled", {wx, wh, b}, [&] { return unrolled(false); });
  run("unrolled_hoisted_input", {wx, wh, b}, [&] { return unrolled(true); });
}

struct BlockImpl : torch::nn::Module {
  torch::nn::Linear qkv{256, 768}, out{256, 256}, up{256, 1024}, down{1024, 256};
  torch::nn::LayerNorm norm1{torch::nn::LayerNormOptions({256})},
      norm2{torch::nn::LayerNormOptions({256})};
  BlockImpl() {
    register_module("qkv", qkv);
    register_module("out", out);
    register_module("up", up);
    register_module("down", down);
    register_module("norm1", norm1);
    register_module("norm2", norm2);
  }
  Tensor forward(Tensor x) {
    const Tensor parts = qkv(norm1(x)).view({8, 128, 3, 4, 64}).permute({2, 0, 3, 1, 4});
    const Tensor y = at::scaled_dot_product_attention(parts[0], parts[1], parts[2]);
    x = x + out(y.transpose(1, 2).reshape({8, 128, 256}));
    return x + down(torch::relu(up(norm2(x))));
  }
};
TORCH_MODULE(Block);

void transformer(Session& session) {
  const auto step = [&](const std::string& form, torch::nn::Sequential net, Tensor x) {
    torch::optim::SGD optimizer(net->parameters(), torch::optim::SGDOptions(1e-4));
    Benchmark(session, "W6_transformer form=" + form + " layers=2 batch=8 seq=128 threads=1")
        .warm_up(3)
        .seconds(3)
        .run([&](Clock& clock) {
          optimizer.zero_grad();
          clock.lap("zero_grad");
          Tensor loss = net->forward(x).square().mean();
          clock.lap("fwd");
          loss.backward();
          clock.lap("bwd");
          optimizer.step();
          clock.lap("optim");
        });
  };
  step("hand", torch::nn::Sequential(Block(), Block()), torch::randn({8, 128, 256}));
  const auto layer = [] {  // its sequences lie in the second dimension
    return torch::nn::TransformerEncoderLayer(
        torch::nn::TransformerEncoderLayerOptions(256, 4).dim_feedforward(1024).dropout(0));
  };
  step("layer", torch::nn::Sequential(layer(), layer()), torch::randn({128, 8, 256}));
}

void cross_entropy(Session& session) {
  const std::string name = "W6_softmax_xent classes=32768 batch=128 unit=element threads=1";
  if (!session.selected(name)) return;
  Tensor logits = torch::randn({128, 32768}).requires_grad_(true), target = classes(128, 32768);
  Benchmark(session, name).units(128.0 * 32768).run([&](Clock& clock) {
    logits.mutable_grad() = Tensor();
    clock.skip();
    Tensor loss = F::cross_entropy(logits, target);
    clock.lap("fwd");
    loss.backward();
    clock.lap("bwd");
  });
}

void tree(Session& session) {
  constexpr int kTrees = 16, kLeaves = 30, kWidth = 128;
  const std::string name = "W7_tree form=per_node trees=16 leaves=30 dim=128 unit=tree threads=1";
  if (!session.selected(name)) return;
  const std::vector<bench::Tree> trees = bench::random_trees(kTrees, kLeaves, 7);
  torch::nn::Linear join(2 * kWidth, kWidth);
  std::vector<std::vector<Tensor>> leaves(kTrees);
  for (auto& of_tree : leaves)
    for (int i = 0; i < kLeaves; ++i) of_tree.push_back(torch::randn({1, kWidth}));
  Benchmark(session, name).units(kTrees).run([&](Clock& clock) {
    join->zero_grad();
    clock.skip();
    Tensor loss;
    for (int k = 0; k < kTrees; ++k) {
      std::vector<Tensor> nodes = leaves[k];
      for (const auto& [left, right] : trees[k].children)
        nodes.push_back(torch::tanh(join(torch::cat({nodes[left], nodes[right]}, 1))));
      const Tensor root = nodes.back().sum();
      loss = loss.defined() ? loss + root : root;
    }
    clock.lap("fwd");
    loss.backward();
    clock.lap("bwd");
  });
}

void second_order(Session& session) {
  for (long batch : {1L, 32L, 256L}) {
    const std::string of = " batch=" + std::to_string(batch) + " threads=1";
    auto net = make_mlp();
    const std::vector<Tensor> parameters = net->parameters();
    std::vector<Tensor> vectors;
    for (const Tensor& p : parameters) vectors.push_back(torch::randn_like(p));
    Tensor x = torch::randn({batch, 784}), target = classes(batch, 10);
    Benchmark(session, "W10_hvp what=gradient" + of).run([&](Clock& clock) {
      torch::autograd::grad({F::cross_entropy(net->forward(x), target)}, parameters);
      clock.lap("grad");
    });
    Benchmark(session, "W10_hvp what=hvp" + of).run([&](Clock& clock) {
      const auto gradients = torch::autograd::grad({F::cross_entropy(net->forward(x), target)},
                                                   parameters, {}, true, true);
      clock.lap("gradient");
      torch::autograd::grad(gradients, parameters, vectors, false, false, true);
      clock.lap("second");
    });
  }
}

void files(Session& session, long parameters) {
  const std::string name = "W9_serialization params=" + std::to_string(parameters);
  if (!session.selected(name)) return;
  const std::string path =
      (std::filesystem::temp_directory_path() / ("libtorch_bench_" + std::to_string(::getpid())))
          .string();
  std::vector<Tensor> model, loaded;
  for (int i = 0; i < 25; ++i)
    model.push_back(torch::full({parameters / 25}, static_cast<float>(i)));
  Benchmark(session, name + " op=save sync=off")
      .warm_up(1)
      .repetitions(5, 5)
      .run([&](Clock& clock) {
        ::unlink(path.c_str());
        clock.skip();
        torch::save(model, path);
        clock.lap("save");
      });
  Benchmark(session, name + " op=load_verified_and_summed")
      .warm_up(1)
      .repetitions(5, 5)
      .run([&](Clock& clock) {
        loaded.clear();
        torch::load(loaded, path);
        double sum = 0;
        for (const Tensor& t : loaded) sum += t.sum().item<double>();
        clock.lap("load");
        if (sum <= 0) std::abort();
      });
  ::unlink(path.c_str());
}

int cold() {
  Tensor x = torch::full({8, 32}, 0.5f);
  Tensor w1 = torch::full({32, 64}, 0.01f).requires_grad_(true);
  Tensor w2 = torch::full({64, 1}, 0.1f).requires_grad_(true);
  torch::matmul(torch::relu(torch::matmul(x, w1)), w2).sum().backward();
  std::printf("grad %g peak_rss_MiB=%.1f\n", w1.grad().sum().item<double>(), bench::peak_mib());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string first = argc > 1 ? argv[1] : "";
  at::set_num_threads(1);
  // catena_bench starts W8's program without arguments, through a link of this name.
  if (std::string(argv[0]).ends_with("_cold")) return cold();
  torch::manual_seed(1);
  Session session;
  session.selected = [wanted = std::regex(first)](const std::string& name) {
    return std::regex_search(name, wanted);
  };
  small_ops(session);
  mlp(session);
  images(session);
  pointwise(session);
  chains(session);
  lstm(session);
  transformer(session);
  cross_entropy(session);
  tree(session);
  second_order(session);
  files(session, argc > 2 ? std::atol(argv[2]) : 10'000'000);
}
