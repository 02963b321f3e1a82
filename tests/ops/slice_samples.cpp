#include "op_suite.hpp"

namespace catena::test {
namespace {

using List = std::vector<Array>;

Reference sliced(const Shape& start, const Shape& length, const Shape& step) {
  return reference([=](const List& in) {
    Array out(length);
    for_each_index(length, [&](const Shape& at) {
      Shape from = at;
      for (int d = 0; d < at.rank(); ++d) from[d] = start[d] + at[d] * step[d];
      out.at(at) = in[0].at(from);
    });
    return out;
  });
}
Reference placed(const Shape& shape, const Shape& start, const Shape& step) {
  return reference([=](const List& in) {
    Array out(shape);
    for_each_index(in[0].shape, [&](const Shape& at) {
      Shape to = at;
      for (int d = 0; d < at.rank(); ++d) to[d] = start[d] + at[d] * step[d];
      out.at(to) = in[0].at(at);
    });
    return out;
  });
}

}  // namespace

// NumPy's rules for bounds, integers and new axes are in slice_test.cpp.
std::vector<OpSample> samples_Slice() {
  return {
      sample("steps", op::Slice{.start = {1, 0}, .length = {2, 2}, .step = {1, 3}},
             {uniform({3, 4})}, sliced({1, 0}, {2, 2}, {1, 3}))
          .exact(),
      sample("row", op::Slice{.start = {2, 0}, .length = {1, 4}, .step = {1, 1}}, {uniform({3, 4})},
             sliced({2, 0}, {1, 4}, {1, 1}))
          .exact(),
      sample("all", op::Slice{.start = {0}, .length = {5}, .step = {1}}, {uniform({5})},
             sliced({0}, {5}, {1}))
          .exact(),
      sample("nothing", op::Slice{.start = {3}, .length = {0}, .step = {2}}, {uniform({3})},
             sliced({3}, {0}, {2})),
      sample("scalar", op::Slice{}, {uniform({})}, sliced({}, {}, {})).exact(),
      fails("ranks", op::Slice{.start = {0}, .length = {1}, .step = {1}}, {uniform({3, 4})},
            "start [0], length [1], step [1] for shape [3, 4]; expected 2 numbers in each"),
      fails("range", op::Slice{.start = {1}, .length = {2}, .step = {2}}, {uniform({3})},
            "dimension 0 of [3] is sliced from 1, 2 entries, step 2; expected entries from 0 "
            "on, below 3, and a step of 1 or more"),
      fails("step", op::Slice{.start = {0}, .length = {2}, .step = {0}}, {uniform({3})}, "step 0"),
      fails("start", op::Slice{.start = {-1}, .length = {1}, .step = {1}}, {uniform({3})},
            "sliced from -1")};
}

std::vector<OpSample> samples_SliceAdjoint() {
  return {sample("steps", op::SliceAdjoint{.shape = {3, 4}, .start = {1, 0}, .step = {1, 3}},
                 {uniform({2, 2})}, placed({3, 4}, {1, 0}, {1, 3}))
              .exact(),
          sample("row", op::SliceAdjoint{.shape = {3, 4}, .start = {2, 0}, .step = {1, 1}},
                 {uniform({1, 4})}, placed({3, 4}, {2, 0}, {1, 1}))
              .exact(),
          sample("nothing", op::SliceAdjoint{.shape = {3}, .start = {3}, .step = {2}},
                 {uniform({0})}, placed({3}, {3}, {2})),
          sample("scalar", op::SliceAdjoint{}, {uniform({})}, placed({}, {}, {})).exact(),
          fails("range", op::SliceAdjoint{.shape = {3}, .start = {2}, .step = {1}}, {uniform({2})},
                "dimension 0 of [3] is sliced from 2, 2 entries, step 1")};
}

}  // namespace catena::test
