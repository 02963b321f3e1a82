#include "catena/graph/substitution.hpp"

#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "catena/graph/error.hpp"
#include "catena/graph/thread_state.hpp"

namespace catena {

Substitution::Substitution(std::span<const Tensor> from, std::span<const Tensor> to,
                           std::source_location loc) {
  if (from.size() != to.size())
    throw_argument("substitution",
                   fmt::format("{} tensors for {}; expected one each", to.size(), from.size()),
                   loc);
  std::unordered_set<const detail::TensorImpl*> replaced;
  for (const Tensor& t : from) replaced.insert(t.impl());
  for (std::size_t i = 0; i < from.size(); ++i) {
    const Tensor &a = from[i], &b = to[i];
    if (!b.defined() || !(a.shape() == b.shape()) || a.dtype() != b.dtype() ||
        a.device() != b.device())
      throw_argument(
          "substitution",
          fmt::format("tensor {} is {}; expected {} {} on {} like the one it stands for", i,
                      b.defined() ? fmt::format("{} {} on {}", name_of(b.dtype()),
                                                to_string(b.shape()), to_string(b.device()))
                                  : "undefined",
                      name_of(a.dtype()), to_string(a.shape()), to_string(a.device())),
          loc);
    // One that is itself replaced is given another object, or composite ops would replace it again.
    map_.insert_or_assign(a.impl(), replaced.contains(b.impl()) ? b.reshape(b.shape(), loc) : b);
  }
  before_ = std::exchange(detail::thread_state.substitution, this);
}

Substitution::~Substitution() { detail::thread_state.substitution = before_; }

const Tensor* Substitution::find(const detail::TensorImpl* from) const {
  const auto it = map_.find(from);
  return it == map_.end() ? nullptr : &it->second;
}

}  // namespace catena
