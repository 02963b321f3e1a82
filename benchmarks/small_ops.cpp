// W1: what one op costs when its arithmetic costs nothing. 1000 ops on 1 or 64 elements recorded,
// differentiated and freed.
#include <catena/catena.hpp>

#include "workloads.hpp"

namespace bench {
namespace {

using catena::Tensor;

Tensor leaf(std::int64_t n, double value) {
  return catena::full({n}, value, {catena::kFloat32, catena::kCpu, true});
}

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

// Ten ops a round: named results and temporaries, parameter p used twice, a view there and back.
Tensor mix(const Tensor& x, const Tensor& p, const Tensor& c, const Tensor& d, std::int64_t n) {
  Tensor y = x;
  for (int i = 0; i < 100; ++i) {
    Tensor a = y * p;
    Tensor b = a + c;
    Tensor view = catena::reshape(b, {1, n});
    y = (catena::reshape(view, {n}) - a * p) * d + c;
    y = y * d - c;
  }
  return y;
}

}  // namespace

void small_ops(Session& session) {
  for (std::int64_t n : {1, 64}) {
    Tensor x = leaf(n, 0.7), p = leaf(n, 0.5), q = leaf(n, 0.999);
    Tensor c = catena::full({n}, 1e-3), d = catena::full({n}, 0.999), seed = catena::ones({n});
    const std::string name = "W1_op_overhead size=" + std::to_string(n);
    auto step = [&](const std::string& what, auto forward) {
      Benchmark(session, name + " operands=" + what + " grad=on")
          .units(1000)
          .run([&](Clock& clock) {
            for (Tensor* t : {&x, &p, &q}) t->zero_grad();
            clock.skip();
            Tensor y = forward();
            clock.lap("fwd");
            y.backward(seed);
            clock.lap("bwd");
            y = Tensor();
            clock.lap("free");
          });
    };
    step("const", [&] { return chain(x, c, d); });
    step("leaf", [&] { return chain(x, p, q); });
    step("number", [&] { return chain_of_numbers(x); });
    step("mix", [&] { return mix(x, p, c, d, n); });
    Benchmark(session, name + " operands=const grad=no_grad").units(1000).run([&](Clock& clock) {
      catena::NoGrad off;
      Tensor y = chain(x, c, d);
      clock.lap("fwd");
    });
    Benchmark(session, name + " op=empty_alloc").units(1000).run([&](Clock& clock) {
      for (int i = 0; i < 1000; ++i) Tensor t = catena::empty({n});
      clock.lap("fwd");
    });
    Benchmark(session, name + " op=inplace_add_no_grad").units(1000).run([&](Clock& clock) {
      catena::NoGrad off;
      Tensor y = c.clone();
      clock.skip();
      for (int i = 0; i < 1000; ++i) y.add_(d);
      clock.lap("fwd");
    });
  }
}

}  // namespace bench
