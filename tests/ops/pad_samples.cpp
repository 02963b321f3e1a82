#include "op_suite.hpp"

namespace catena::test {
namespace {

using List = std::vector<Array>;

// The entry of a dimension of n entries that entry i of its padded line shows; -1: none.
std::int64_t source(const std::string& mode, std::int64_t i, std::int64_t n) {
  if (i >= 0 && i < n) return i;
  if (mode == "replicate") return i < 0 ? 0 : n - 1;
  if (mode == "circular") return (i + n) % n;
  if (mode == "reflect") return i < 0 ? -i : 2 * (n - 1) - i;
  return -1;
}

Reference padded(const op::Pad& op) {
  return reference([op](const List& in) {
    Shape shape = in[0].shape;
    for (int d = 0; d < shape.rank(); ++d) shape[d] += op.before[d] + op.after[d];
    Array out(shape);
    for_each_index(shape, [&](const Shape& at) {
      Shape from = at;
      bool inside = true;
      for (int d = 0; d < shape.rank(); ++d) {
        from[d] = source(op.mode, at[d] - op.before[d], in[0].shape[d]);
        inside = inside && from[d] >= 0;
      }
      out.at(at) = inside ? in[0].at(from) : op.value;
    });
    return out;
  });
}
Reference folded(const op::PadAdjoint& op) {
  return reference([op](const List& in) {
    Shape shape = in[0].shape;
    for (int d = 0; d < shape.rank(); ++d) shape[d] -= op.before[d] + op.after[d];
    Array out(shape);
    for_each_index(in[0].shape, [&](const Shape& at) {
      Shape to = at;
      for (int d = 0; d < shape.rank(); ++d)
        to[d] = source(op.mode, at[d] - op.before[d], shape[d]);
      out.at(to) += in[0].at(at);
    });
    return out;
  });
}

OpSample bordered(const std::string& name, const op::Pad& op, const Shape& shape) {
  return sample(name, op, {uniform(shape)}, padded(op)).exact();
}
OpSample adjoint(const std::string& name, const op::PadAdjoint& op, const Shape& shape) {
  return sample(name, op, {uniform(shape)}, folded(op)).tolerance(1e-5, 1e-13);
}

}  // namespace

std::vector<OpSample> samples_Pad() {
  using op::Pad;
  return {
      bordered("constant", Pad{.before = {1, 2}, .after = {0, 1}, .value = 3}, {2, 3}),
      bordered("inner", Pad{.before = {0, 1, 0}, .after = {0, 2, 0}}, {2, 3, 2}),
      bordered("none", Pad{.before = {0, 0}, .after = {0, 0}}, {2, 3}),
      bordered("around_nothing", Pad{.before = {1, 1}, .after = {1, 0}, .value = 1}, {0, 2}),
      bordered("scalar", Pad{}, {}),
      bordered("reflect", Pad{.before = {0, 2}, .after = {0, 3}, .mode = "reflect"}, {2, 4}),
      bordered("reflect_image", Pad{.before = {0, 1, 2}, .after = {0, 2, 1}, .mode = "reflect"},
               {2, 3, 4}),
      bordered("replicate", Pad{.before = {2, 3}, .after = {1, 4}, .mode = "replicate"}, {2, 2}),
      bordered("replicate_front", Pad{.before = {2, 0}, .after = {1, 0}, .mode = "replicate"},
               {3, 4}),
      bordered("circular", Pad{.before = {1, 3}, .after = {2, 2}, .mode = "circular"}, {2, 3}),
      bordered("circular_channels",
               Pad{.before = {0, 1, 1, 0}, .after = {0, 1, 2, 0}, .mode = "circular"},
               {2, 2, 3, 2}),
      bordered("large", Pad{.before = {0, 3, 5}, .after = {0, 2, 4}, .mode = "reflect"},
               {3, 90, 700})
          .no_gradient(),
      fails("mode", Pad{.before = {1}, .after = {1}, .mode = "reflected"}, {uniform({3})},
            "unknown mode \"reflected\"; expected \"constant\", \"reflect\", \"replicate\" or "
            "\"circular\""),
      fails("rank", Pad{.before = {1}, .after = {1}}, {uniform({3, 2})},
            "before [1] and after [1] for shape [3, 2]; expected 2 numbers in each"),
      fails(
          "negative", Pad{.before = {-1}, .after = {1}}, {uniform({3})},
          "dimension 0 of [3] is padded by -1 and 1; expected 0 or more; slice() cuts entries off"),
      fails("reflect_wide", Pad{.before = {0, 3}, .after = {0, 0}, .mode = "reflect"},
            {uniform({2, 3})},
            "dimension 1 of [2, 3] is padded by 3 and 0 with mode \"reflect\"; expected at most 2"),
      fails("circular_wide", Pad{.before = {0}, .after = {4}, .mode = "circular"}, {uniform({3})},
            "dimension 0 of [3] is padded by 0 and 4 with mode \"circular\"; expected at most 3"),
      fails("replicate_nothing", Pad{.before = {1}, .after = {0}, .mode = "replicate"},
            {uniform({0})}, "expected a dimension with entries"),
      fails("value", Pad{.before = {1}, .after = {0}, .value = 0.5}, {integers({2}, 0, 3)},
            "value 0.5 for x of dtype int64; expected a number of that dtype"),
      fails("value_range", Pad{.before = {1}, .after = {0}, .value = 1e10},
            {integers({2}, 0, 3).as(kInt32)},
            "value 10000000000 for x of dtype int32; expected a number of that dtype")};
}

std::vector<OpSample> samples_PadAdjoint() {
  using op::PadAdjoint;
  return {
      adjoint("reflect", PadAdjoint{.before = {0, 2}, .after = {0, 1}, .mode = "reflect"}, {2, 6}),
      adjoint("replicate", PadAdjoint{.before = {2, 1}, .after = {1, 3}, .mode = "replicate"},
              {5, 6}),
      adjoint("circular", PadAdjoint{.before = {0, 1, 0}, .after = {0, 2, 0}, .mode = "circular"},
              {2, 5, 3}),
      adjoint("scalar", PadAdjoint{}, {}),
      adjoint("large", PadAdjoint{.before = {0, 0, 3}, .after = {0, 0, 3}, .mode = "reflect"},
              {40, 20, 300})
          .no_gradient(),
      fails("small", PadAdjoint{.before = {2}, .after = {2}, .mode = "replicate"}, {uniform({3})},
            "dimension 0 of [0]"),
      fails("rank", PadAdjoint{.before = {2}, .after = {2}}, {uniform({3, 9})},
            "expected 2 numbers in each")};
}

}  // namespace catena::test
