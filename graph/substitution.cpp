#include "catena/graph/substitution.hpp"

#include <utility>

#include <fmt/format.h>

#include "catena/graph/error.hpp"
#include "catena/graph/thread_state.hpp"

namespace catena {
namespace {

std::string described(const Tensor& t) {
  return t.defined() ? fmt::format("{} {} on {}", name_of(t.dtype()), to_string(t.shape()),
                                   to_string(t.device()))
                     : "undefined";
}

}  // namespace

Substitution::Substitution(std::span<const Tensor> from, std::span<const Tensor> to,
                           std::source_location loc) {
  if (from.size() != to.size())
    throw_argument("substitution",
                   fmt::format("{} tensors for {}; expected one each", to.size(), from.size()),
                   loc);
  auto map = std::make_shared<Map>();
  if (const std::shared_ptr<const Map> outer = current()) *map = *outer;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const Tensor &a = from[i], &b = to[i];
    if (!a.defined() || !b.defined() || !(a.shape() == b.shape()) || a.dtype() != b.dtype() ||
        a.device() != b.device())
      throw_argument("substitution",
                     fmt::format("tensor {} is {}; expected {}", i, described(b),
                                 a.defined() ? described(a) + " like the one it stands for"
                                             : "a tensor to stand for, not an undefined one"),
                     loc);
    map->insert_or_assign(a.impl(), Pair{a, b});
  }
  // One that is itself replaced is given another object, or composite ops would replace it again.
  for (auto& [impl, pair] : *map)
    if (map->contains(pair.to.impl())) pair.to = pair.to.reshape(pair.to.shape(), loc);
  map_ = std::move(map);
  before_ = std::exchange(detail::thread_state.substitution, this);
}

Substitution::Substitution(std::shared_ptr<const Map> map)
    : map_(std::move(map)),
      before_(std::exchange(detail::thread_state.substitution, map_ ? this : nullptr)) {}

Substitution::~Substitution() { detail::thread_state.substitution = before_; }

const Tensor* Substitution::find(const detail::TensorImpl* from) const {
  const auto it = map_->find(from);
  return it == map_->end() ? nullptr : &it->second.to;
}

std::shared_ptr<const Substitution::Map> Substitution::current() {
  const Substitution* innermost = detail::thread_state.substitution;
  return innermost ? innermost->map_ : nullptr;
}

Tensor detail::substituted(const Tensor& t) {
  const Substitution* innermost = thread_state.substitution;
  const Tensor* other = innermost ? innermost->find(t.impl()) : nullptr;
  return other ? *other : t;
}

}  // namespace catena
