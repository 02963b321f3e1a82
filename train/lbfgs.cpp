#include "catena/train/lbfgs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "catena/graph/autograd.hpp"
#include "catena/graph/error.hpp"
#include "catena/graph/profiler.hpp"
#include "catena/ops/all.hpp"
#include "catena/train/optimizer_state.hpp"

namespace catena::optim {

namespace {

double dot(const Tensor& a, const Tensor& b) { return sum(a * b).item(); }
double largest(const Tensor& t) { return t.numel() == 0 ? 0 : max(abs(t)).item(); }

// Where the cubic through two points with these values and slopes is least, within bounds.
double cubic_minimum(double x1, double f1, double g1, double x2, double f2, double g2, double low,
                     double high) {
  const double d1 = g1 + g2 - 3 * (f1 - f2) / (x1 - x2);
  const double square = d1 * d1 - g1 * g2;
  if (!(square >= 0)) return (low + high) / 2;
  const double d2 = std::sqrt(square);
  const double at = x1 <= x2 ? x2 - (x2 - x1) * ((g2 + d2 - d1) / (g2 - g1 + 2 * d2))
                             : x1 - (x1 - x2) * ((g1 + d2 - d1) / (g1 - g2 + 2 * d2));
  return std::min(std::max(at, low), high);
}

}  // namespace

LBFGS::LBFGS(const std::vector<Tensor>& params, LBFGSOptions options, Location loc) {
  add_param_group({params, options}, loc);
}

void LBFGS::add_group(const std::vector<Tensor>& params, const Location& loc) {
  if (num_groups() > 0)
    throw_argument(kName,
                   "a second parameter group; expected one group, as the curvature is that of all "
                   "parameters together",
                   loc);
  for (std::size_t i = 1; i < params.size(); ++i)
    if (params[i].defined() && params[0].defined() &&
        (params[i].dtype() != params[0].dtype() || params[i].device() != params[0].device()))
      throw_argument(kName,
                     fmt::format("parameter {} is {} on {}, parameter 0 is {} on {}; expected all "
                                 "of one dtype and on one device",
                                 i, name_of(params[i].dtype()), to_string(params[i].device()),
                                 name_of(params[0].dtype()), to_string(params[0].device())),
                     loc);
  GroupedOptimizer::add_group(params, loc);
}

void LBFGS::check(const LBFGSOptions& o, const Location& loc) const {
  const auto fail = [&](std::string_view what) { throw_argument(kName, what, loc); };
  if (!(o.lr >= 0)) fail(fmt::format("lr is {}; expected a number >= 0", o.lr));
  if (o.max_iter < 1) fail(fmt::format("max_iter is {}; expected at least 1", o.max_iter));
  if (o.max_eval < 0) fail(fmt::format("max_eval is {}; expected a number >= 0", o.max_eval));
  if (o.history_size < 1)
    fail(fmt::format("history_size is {}; expected at least 1", o.history_size));
}

void LBFGS::check_group(std::size_t group, const Location& loc) const {
  GroupedOptimizer::check_group(group, loc);
  if (old_dirs_.size() != old_stps_.size() || old_dirs_.size() != ro_.size() ||
      (n_iter_ > 0 && !(d_.defined() && prev_flat_grad_.defined())))
    throw_argument(
        kName,
        fmt::format("the state has {} directions, {} steps and {} curvatures; expected as "
                    "many of each, and 'd' and 'prev_flat_grad'",
                    old_dirs_.size(), old_stps_.size(), ro_.size()),
        loc);
}

void LBFGS::visit_group(std::size_t group, detail::StateVisitor& visitor) {
  LBFGSOptions& o = options(group);
  visitor.value("lr", o.lr);
  visitor.value("max_iter", o.max_iter);
  visitor.value("max_eval", o.max_eval);
  visitor.value("tolerance_grad", o.tolerance_grad);
  visitor.value("tolerance_change", o.tolerance_change);
  visitor.value("history_size", o.history_size);
  visitor.value("strong_wolfe", o.strong_wolfe);
}

// All state is kept with the first parameter, as PyTorch does.
void LBFGS::visit_param(std::size_t index, detail::StateVisitor& visitor) {
  if (index != 0) return;
  const Tensor flat = flat_like();
  visitor.param = &flat;
  visitor.value("func_evals", func_evals_);
  visitor.value("n_iter", n_iter_);
  visitor.value("t", t_);
  visitor.value("H_diag", h_diag_);
  visitor.tensor("d", d_);
  visitor.tensor("prev_flat_grad", prev_flat_grad_);
  visitor.tensors("old_dirs", old_dirs_);
  visitor.tensors("old_stps", old_stps_);
  visitor.value("ro", ro_);
  visitor.param = nullptr;
}

void LBFGS::update(std::size_t /*index*/, std::size_t /*group*/, const Tensor& /*grad*/,
                   const Location& loc) {
  throw_argument(kName,
                 "step() without a closure; L-BFGS evaluates the loss several times a step: call "
                 "step([&] { zero_grad, loss, backward; return loss; })",
                 loc);
}

Tensor LBFGS::flat_like() const {
  std::int64_t n = 0;
  for (const Tensor& p : parameters()) n += p.numel();
  const Tensor& first = parameters().front();
  return empty({n}, TensorOptions(first.dtype(), first.device()));
}

Tensor LBFGS::flat_gradient() const {
  std::vector<Tensor> parts;
  for (const Tensor& p : parameters()) {
    const Tensor g = p.grad();
    parts.push_back(g.defined() ? g.detach().to(p.dtype()).reshape({-1})
                                : zeros({p.numel()}, TensorOptions(p.dtype(), p.device())));
  }
  return concat(parts);
}

void LBFGS::follow_parameters() {
  const Tensor like = flat_like();
  for (Tensor* t : {&d_, &prev_flat_grad_})
    if (t->defined()) detail::follow(*t, like);
  for (std::vector<Tensor>* list : {&old_dirs_, &old_stps_})
    for (Tensor& t : *list) detail::follow(t, like);
}

void LBFGS::move(double t) {
  std::int64_t from = 0;
  for (Tensor p : parameters()) {
    p.add_(slice(d_, 0, from, from + p.numel()).reshape(p.shape()), t);
    from += p.numel();
  }
}

double LBFGS::evaluate(const Closure& closure) {
  EnableGrad grad_mode;
  return closure().item();
}

LBFGS::Point LBFGS::at(const Closure& closure, const std::vector<Tensor>& x, double t) {
  move(t);
  Point point{t, evaluate(closure), flat_gradient(), 0};
  for (std::size_t i = 0; i < x.size(); ++i) Tensor(parameters()[i]).copy_(x[i]);
  point.slope = dot(point.grad, d_);
  return point;
}

// PyTorch's _strong_wolfe: brackets a point that satisfies the conditions, then zooms in.
std::pair<LBFGS::Point, std::int64_t> LBFGS::search(const Closure& closure, const Point& start,
                                                    double t) {
  constexpr double c1 = 1e-4, c2 = 0.9, kTolerance = 1e-9;
  constexpr int kMaxIterations = 25;
  std::vector<Tensor> x;
  for (const Tensor& p : parameters()) x.push_back(p.detach().clone());
  const double d_norm = largest(d_);
  const auto too_high = [&](const Point& p) {
    return p.loss > start.loss + c1 * p.t * start.slope;
  };
  const auto flat = [&](const Point& p) { return std::abs(p.slope) <= -c2 * start.slope; };

  Point now = at(closure, x, t);
  std::int64_t evaluations = 1;
  Point previous = start;
  Point bracket[2];
  bool done = false, single = false, found = false;
  int iteration = 0;
  for (; iteration < kMaxIterations; ++iteration) {
    found = true;
    if (too_high(now) || (iteration > 1 && now.loss >= previous.loss)) {
      bracket[0] = previous, bracket[1] = now;
      break;
    }
    if (flat(now)) {
      bracket[0] = now;
      done = single = true;
      break;
    }
    if (now.slope >= 0) {
      bracket[0] = previous, bracket[1] = now;
      break;
    }
    found = false;
    const double next = cubic_minimum(previous.t, previous.loss, previous.slope, now.t, now.loss,
                                      now.slope, now.t + 0.01 * (now.t - previous.t), now.t * 10);
    previous = now;
    now = at(closure, x, next);
    ++evaluations;
  }
  if (!found) bracket[0] = start, bracket[1] = now;

  bool close_before = false;
  int low = single || bracket[0].loss <= bracket[1].loss ? 0 : 1;
  while (!done && iteration < kMaxIterations) {
    Point& a = bracket[0];
    Point& b = bracket[1];
    const double left = std::min(a.t, b.t), right = std::max(a.t, b.t);
    if ((right - left) * d_norm < kTolerance) break;
    double trial = cubic_minimum(a.t, a.loss, a.slope, b.t, b.loss, b.slope, left, right);
    // Twice close to a boundary, or on it: a tenth of the bracket away from it.
    const double tenth = 0.1 * (right - left);
    if (std::min(right - trial, trial - left) < tenth) {
      if (close_before || trial >= right || trial <= left) {
        trial = std::abs(trial - right) < std::abs(trial - left) ? right - tenth : left + tenth;
        close_before = false;
      } else {
        close_before = true;
      }
    } else {
      close_before = false;
    }
    now = at(closure, x, trial);
    ++evaluations;
    ++iteration;
    const int high = 1 - low;
    if (too_high(now) || now.loss >= bracket[low].loss) {
      bracket[high] = now;
      low = a.loss <= b.loss ? 0 : 1;
    } else {
      if (flat(now))
        done = true;
      else if (now.slope * (bracket[high].t - bracket[low].t) >= 0)
        bracket[high] = bracket[low];
      bracket[low] = now;
    }
  }
  return {bracket[low], evaluations};
}

void LBFGS::update_history(const Tensor& grad) {
  const Tensor y = grad - prev_flat_grad_;
  const Tensor s = d_ * t_;
  const double ys = dot(y, s);
  if (!(ys > 1e-10)) return;
  while (static_cast<std::int64_t>(old_dirs_.size()) >= options().history_size) {
    old_dirs_.erase(old_dirs_.begin());
    old_stps_.erase(old_stps_.begin());
    ro_.erase(ro_.begin());
  }
  old_dirs_.push_back(y);
  old_stps_.push_back(s);
  ro_.push_back(1 / ys);
  h_diag_ = ys / dot(y, y);
}

// The two-loop recursion.
Tensor LBFGS::direction(const Tensor& grad) const {
  std::vector<double> al(old_dirs_.size());
  Tensor q = (-grad).contiguous();
  for (std::size_t i = old_dirs_.size(); i-- > 0;) {
    al[i] = dot(old_stps_[i], q) * ro_[i];
    q.add_(old_dirs_[i], -al[i]);
  }
  q.mul_(h_diag_);
  for (std::size_t i = 0; i < old_dirs_.size(); ++i)
    q.add_(old_stps_[i], al[i] - dot(old_dirs_[i], q) * ro_[i]);
  return q;
}

Tensor LBFGS::step(const Closure& closure, Location loc) {
  const ProfileSpan span("lbfgs step", loc);
  NoGrad no_grad;
  const LBFGSOptions o = options();
  const std::int64_t max_eval = o.max_eval != 0 ? o.max_eval : o.max_iter * 5 / 4;
  follow_parameters();
  Tensor first;
  {
    EnableGrad grad_mode;
    first = closure();
  }
  if (!first.defined() || first.numel() != 1)
    throw_argument(kName,
                   first.defined() ? fmt::format("the closure returned {}; expected a scalar loss",
                                                 to_string(first.shape()))
                                   : "the closure returned nothing; expected the loss",
                   loc);
  Point now{0, first.item(), flat_gradient(), 0};
  std::int64_t evaluations = 1;
  ++func_evals_;
  if (largest(now.grad) <= o.tolerance_grad) return first;

  for (std::int64_t iteration = 1; iteration <= o.max_iter; ++iteration) {
    ++n_iter_;
    if (n_iter_ == 1) {
      old_dirs_.clear(), old_stps_.clear(), ro_.clear();
      h_diag_ = 1;
    } else {
      update_history(now.grad);
    }
    d_ = direction(now.grad);
    prev_flat_grad_ = now.grad;
    const double loss_before = now.loss;
    t_ = n_iter_ == 1 ? std::min(1.0, 1 / sum(abs(now.grad)).item()) * o.lr : o.lr;
    now.slope = dot(now.grad, d_);
    now.t = 0;
    if (now.slope > -o.tolerance_change) break;

    if (o.strong_wolfe) {
      const auto [point, count] = search(closure, now, t_);
      now = point;
      t_ = point.t;
      evaluations += count;
      func_evals_ += count;
      move(t_);
    } else {
      move(t_);
      if (iteration != o.max_iter) {  // the next step begins with an evaluation
        now.loss = evaluate(closure);
        now.grad = flat_gradient();
        ++evaluations;
        ++func_evals_;
      }
    }
    if (evaluations >= max_eval || largest(now.grad) <= o.tolerance_grad ||
        std::abs(t_) * largest(d_) <= o.tolerance_change ||
        std::abs(now.loss - loss_before) < o.tolerance_change)
      break;
  }
  return first;
}

}  // namespace catena::optim
