#include "op_suite.hpp"

namespace catena::test {
namespace {

Reference tiled(const Shape& repeats) {
  return reference([repeats](const std::vector<Array>& in) {
    const int rank = std::max(in[0].shape.rank(), repeats.rank());
    Shape size = Shape::filled(rank - in[0].shape.rank(), 1), shape;
    for (const std::int64_t n : in[0].shape) size.push_back(n);
    for (int d = 0; d < rank; ++d) {
      const int by = d - (rank - repeats.rank());
      shape.push_back(size[d] * (by < 0 ? 1 : repeats[by]));
    }
    const Array x(size, in[0].values);
    Array out(shape);
    for_each_index(shape, [&](const Shape& at) {
      Shape from = at;
      for (int d = 0; d < rank; ++d) from[d] = at[d] % size[d];
      out.at(at) = x.at(from);
    });
    return out;
  });
}
OpSample tiles(const std::string& name, const Shape& repeats, const Shape& shape) {
  return sample(name, op::Tile{repeats}, {uniform(shape)}, tiled(repeats)).exact();
}

}  // namespace

std::vector<OpSample> samples_Tile() {
  return {
      tiles("both", {2, 3}, {2, 2}),
      tiles("fewer", {2}, {2, 3}),
      tiles("more", {2, 1, 2}, {3}),
      tiles("ones", {3, 4}, {1, 1}),
      tiles("scalar", {3}, {}),
      tiles("many_dimensions", {2, 2, 2, 1, 2}, {2, 1, 2, 2, 2}),
      tiles("no_room", {2, 1, 1, 1, 1, 1, 1, 3}, {2, 1, 1, 1, 1, 1, 1, 2}),
      tiles("no_room_for_some", {2, 2, 1, 1, 1, 1, 0}, {2, 2, 1, 1, 1, 1, 2}),
      tiles("nothing", {0, 2}, {2, 2}),
      tiles("of_nothing", {2, 2}, {0, 2}),
      fails("negative", op::Tile{{2, -1}}, {uniform({2})}, "repeats [2, -1]; expected 0 or more")};
}

}  // namespace catena::test
