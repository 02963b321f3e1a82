// WeightNorm: a layer whose weight is learned as lengths and directions.
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <utility>

#include "catena/graph/substitution.hpp"
#include "catena/nn/module.hpp"

namespace catena::nn {

namespace detail {
// The parameter `name` of a layer as two, name_g and name_v. The weight itself becomes a buffer
// that is not saved: calls compute with weight_norm(v, g) in its place.
class NormedWeight {
 public:
  NormedWeight(Module& layer, const std::string& name, std::optional<int> dim,
               const Module::Location& loc);
  Substitution in_place() const;
  Tensor g() const { return g_; }
  Tensor v() const { return v_; }

 private:
  Buffer weight_;
  Parameter g_, v_;
};
}  // namespace detail

// A layer M that computes with w = g v / |v| in the place of its parameter `name` (Salimans and
// Kingma, 2016), where |v| are the lengths over all dimensions of the weight but `dim`, or of all
// of it without one. The parameters are name_g, the lengths, and name_v; they start so that w is
// what the weight was. The layer's own weight() is then without meaning.
//
//   nn::WeightNorm<nn::Linear> fc = add("fc", nn::WeightNorm(nn::Linear(8, 4)));
//
// For layers called with one tensor. Errors: no such parameter; no such dimension.
template <std::derived_from<Module> M>
class WeightNorm : public M {
 public:
  using Location = Module::Location;
  explicit WeightNorm(M layer, const std::string& name = "weight", std::optional<int> dim = 0,
                      Location loc = Location::current())
      : M(std::move(layer)), normed_(*this, name, dim, loc) {}

  Tensor forward(Tensor x) override {
    const Substitution weight = normed_.in_place();
    return M::forward(std::move(x));
  }

  Tensor g() const { return normed_.g(); }
  Tensor v() const { return normed_.v(); }

 private:
  detail::NormedWeight normed_;
};

}  // namespace catena::nn
