// L-BFGS with an optional strong-Wolfe line search (Liu and Nocedal 1989; Nocedal and Wright 2006,
// algorithms 3.5, 3.6 and 7.4).
#pragma once

#include <cstdint>
#include <functional>

#include "catena/train/optimizer.hpp"

namespace catena::optim {

struct LBFGSOptions {
  double lr = 1;                   // the step length t, or the first one tried by the search
  std::int64_t max_iter = 20;      // iterations per step()
  std::int64_t max_eval = 0;       // evaluations per step(); 0: 5/4 max_iter
  double tolerance_grad = 1e-7;    // enough when max |g| is not above it
  double tolerance_change = 1e-9;  // enough when loss or parameters change by less
  std::int64_t history_size = 100;
  bool strong_wolfe = false;
};

// With f the loss, x all parameters as one vector, g its gradient (PyTorch's LBFGS), in each
// iteration:
//   s = x - x_previous,  y = g - g_previous, kept if y's > 1e-10, the last history_size of them
//   d = -H g, H the BFGS approximation of the inverse Hessian from (y's / y'y) I and the pairs
//   x = x + t d;  t = lr (at the very first min(1, 1 / |g|_1) lr), or by strong_wolfe with
//   f(x + t d) <= f(x) + 1e-4 t g'd  and  |g(x + t d)'d| <= 0.9 |g'd|
// One parameter group; all parameters of one dtype and on one device. Keeps 2 history_size copies
// of the parameters.
class LBFGS : public GroupedOptimizer<LBFGSOptions> {
 public:
  static constexpr const char* kName = "lbfgs";
  // Clears the gradients, computes the loss, calls backward() and returns the loss.
  using Closure = std::function<Tensor()>;

  explicit LBFGS(const std::vector<Tensor>& params, LBFGSOptions options = {},
                 Location loc = Location::current());

  // Up to max_iter iterations; returns the loss before the first. The closure is called with
  // recording on.
  Tensor step(const Closure& closure, Location loc = Location::current());

  const char* name() const override { return kName; }

 protected:
  void add_group(const std::vector<Tensor>& params, const Location& loc) override;
  // step() without a closure: an error.
  void update(std::size_t index, std::size_t group, const Tensor& grad,
              const Location& loc) override;
  void check(const LBFGSOptions& options, const Location& loc) const override;
  void check_group(std::size_t group, const Location& loc) const override;
  void visit_group(std::size_t group, detail::StateVisitor& visitor) override;
  void visit_param(std::size_t index, detail::StateVisitor& visitor) override;

 private:
  // The loss and its gradient somewhere along the line.
  struct Point {
    double t = 0, loss = 0;
    Tensor grad;
    double slope = 0;  // grad'd
  };
  double evaluate(const Closure& closure);
  Point at(const Closure& closure, const std::vector<Tensor>& x, double t);
  // The point found and the number of evaluations.
  std::pair<Point, std::int64_t> search(const Closure& closure, const Point& start, double t);
  void update_history(const Tensor& grad);
  Tensor direction(const Tensor& grad) const;
  void move(double t);  // x += t d
  Tensor flat_gradient() const;
  Tensor flat_like() const;  // what all flat tensors look like
  void follow_parameters();

  // State, flat over all parameters; PyTorch's names.
  std::int64_t func_evals_ = 0, n_iter_ = 0;
  double t_ = 0, h_diag_ = 1;
  Tensor d_, prev_flat_grad_;
  std::vector<Tensor> old_dirs_, old_stps_;  // the y and s, oldest first
  std::vector<double> ro_;                   // 1 / y's
};

}  // namespace catena::optim
