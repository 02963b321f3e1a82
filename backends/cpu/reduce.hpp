// The engine of the reductions over dimensions; reducers.hpp says what is combined.
//
// Work is cut into blocks by shape alone and the results of the blocks are combined in order, so
// that the bits do not depend on threads or strides. float32 is added in float32 within short runs
// (some 32 terms per accumulator) and in float64 beyond.
#pragma once

#include "catena/backends/cpu/kernel.hpp"
#include "catena/backends/cpu/reducers.hpp"
#include "catena/backends/cpu/scratch.hpp"
#include "catena/backends/cpu/strided.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

constexpr std::int64_t kColumns = 1024;   // columns worked on at once when rows are added
constexpr std::int64_t kFlushRows = 128;  // rows added before the float64 totals take them
constexpr std::int64_t kBlock = 1 << 16;  // elements of a block
constexpr std::int64_t kGrain = 1 << 17;  // elements from which a second thread is worth it

CATENA_INLINE std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

// --- The shape of the work ---

// The dimensions of x after merging neighbours of one kind: the innermost (`line` elements), and
// the outer ones, kept and reduced, fastest first. Positions are row-major positions in x.
struct Plan {
  std::int64_t kept[kMaxRank], kept_step[kMaxRank];
  std::int64_t reduced[kMaxRank], reduced_step[kMaxRank];
  int kept_rank = 0, reduced_rank = 0;
  std::int64_t outputs = 1;  // product of kept
  std::int64_t passes = 1;   // product of reduced
  std::int64_t line = 1;
  bool line_reduced = true;
};

CATENA_INLINE std::int64_t locate(std::int64_t i, int rank, const std::int64_t* size,
                                  const std::int64_t* step) {
  if (rank == 1) return i * step[0];
  std::int64_t position = 0;
  for (int k = 0; k < rank; ++k) {
    position += i % size[k] * step[k];
    i /= size[k];
  }
  return position;
}

Plan make_plan(const TensorView& x, const Shape& dims) {
  const int rank = x.shape.rank();
  bool reduced[kMaxRank];
  for (int d = 0; d < rank; ++d) reduced[d] = dims.rank() == 0;
  for (int k = 0; k < dims.rank(); ++k) {
    const std::int64_t d = dims.data()[k];
    reduced[d < 0 ? d + rank : d] = true;
  }
  std::int64_t size[kMaxRank], step[kMaxRank], running = 1;
  bool kind[kMaxRank];
  int groups = 0;
  for (int d = rank - 1; d >= 0; --d) {
    const std::int64_t n = x.shape.data()[d];
    if (n == 1) continue;
    if (groups > 0 && kind[groups - 1] == reduced[d]) {
      size[groups - 1] *= n;
    } else {
      size[groups] = n;
      step[groups] = running;
      kind[groups++] = reduced[d];
    }
    running *= n;
  }
  Plan plan;
  if (groups > 0) {
    plan.line = size[0];
    plan.line_reduced = kind[0];
  }
  for (int k = 1; k < groups; ++k) {
    if (kind[k]) {
      plan.reduced[plan.reduced_rank] = size[k];
      plan.reduced_step[plan.reduced_rank++] = step[k];
      plan.passes *= size[k];
    } else {
      plan.kept[plan.kept_rank] = size[k];
      plan.kept_step[plan.kept_rank++] = step[k];
      plan.outputs *= size[k];
    }
  }
  return plan;
}

// --- The innermost dimension is reduced ---

template <class R>
[[gnu::noinline]] typename R::Acc reduce_line(const Reader<typename R::In>& x, std::int64_t start,
                                              std::int64_t n) {
  alignas(64) typename R::In buffer[R::kRun];
  // Not from the identity on, which would turn a sum of -0 into 0.
  const std::int64_t first = min_of(R::kRun, n);
  typename R::Acc total = R::line(x.at(start, first, buffer), first);
  for (std::int64_t i = first; i < n; i += R::kRun) {
    const std::int64_t m = min_of(R::kRun, n - i);
    total = R::combine(total, R::line(x.at(start + i, m, buffer), m));
  }
  return total;
}

template <class R, class Out, class Finish>
void reduce_lines(const Reader<typename R::In>& x, const Plan& plan, Out* out,
                  const Finish& finish) {
  using Acc = typename R::Acc;
  // A block is a piece of a long line or a number of short ones.
  const std::int64_t pieces = ceil_div(plan.line, kBlock);
  const std::int64_t lines = max_of<std::int64_t>(1, kBlock / plan.line);
  const std::int64_t blocks = pieces > 1 ? plan.passes * pieces : ceil_div(plan.passes, lines);
  const auto block_value = [&](std::int64_t output, std::int64_t block) {
    const std::int64_t base = locate(output, plan.kept_rank, plan.kept, plan.kept_step);
    const auto line_start = [&](std::int64_t pass) {
      return base + locate(pass, plan.reduced_rank, plan.reduced, plan.reduced_step);
    };
    if (pieces > 1) {
      const std::int64_t begin = block % pieces * kBlock;
      return reduce_line<R>(x, line_start(block / pieces) + begin,
                            min_of(kBlock, plan.line - begin));
    }
    const std::int64_t end = min_of(plan.passes, (block + 1) * lines);
    Acc total = reduce_line<R>(x, line_start(block * lines), plan.line);
    for (std::int64_t pass = block * lines + 1; pass < end; ++pass)
      total = R::combine(total, reduce_line<R>(x, line_start(pass), plan.line));
    return total;
  };
  if (blocks == 1) {
    const std::int64_t each = plan.passes * plan.line;
    // Short lines one after the other: the usual sum over the last dimension.
    const bool simple = plan.passes == 1 && plan.line <= R::kRun && x.view.contiguous;
    parallel(plan.outputs, max_of<std::int64_t>(1, kGrain / each),
             [&](std::int64_t begin, std::int64_t end) {
               if (simple) {
                 const auto* p = static_cast<const typename R::In*>(x.view.data);
                 for (std::int64_t o = begin; o < end; ++o)
                   out[o] = finish(R::line(p + o * plan.line, plan.line));
                 return;
               }
               for (std::int64_t o = begin; o < end; ++o) out[o] = finish(block_value(o, 0));
             });
    return;
  }
  const Scratch<Acc> partial(plan.outputs * blocks);
  parallel(plan.outputs * blocks, kGrain / kBlock, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) partial[i] = block_value(i / blocks, i % blocks);
  });
  for (std::int64_t o = 0; o < plan.outputs; ++o) {
    Acc total = partial[o * blocks];
    for (std::int64_t b = 1; b < blocks; ++b) total = R::combine(total, partial[o * blocks + b]);
    out[o] = finish(total);
  }
}

// --- The innermost dimension is kept: rows are combined column by column ---

// total[c] = combination over rows [begin, end) of x[row_start(row) + c], c < width. An extra row,
// if any, has `extra_width` columns.
template <class R, class RowStart>
[[gnu::noinline]] void reduce_columns(const Reader<typename R::In>& x, const RowStart& row_start,
                                      std::int64_t begin, std::int64_t end, std::int64_t width,
                                      std::int64_t extra_width, typename R::Acc* total) {
  using In = typename R::In;
  alignas(64) typename R::Block block[kColumns];
  alignas(64) In buffer[4][kColumns];
  for (std::int64_t c = 0; c < width; ++c) total[c] = R::kIdentity;
  const auto start_block = [&] {
    for (std::int64_t c = 0; c < width; ++c) block[c] = R::kBlockIdentity;
  };
  const auto flush = [&] {
    for (std::int64_t c = 0; c < width; ++c)
      total[c] = R::combine(total[c], static_cast<typename R::Acc>(block[c]));
  };
  for (std::int64_t row = begin; row < end;) {
    start_block();
    const std::int64_t stop = min_of(end, row + kFlushRows);
    for (; row + 4 <= stop; row += 4) {
      const In* rows[4];
      for (int k = 0; k < 4; ++k) rows[k] = x.at(row_start(row + k), width, buffer[k]);
      R::four_rows(block, rows, width);
    }
    for (; row < stop; ++row) R::one_row(block, x.at(row_start(row), width, buffer[0]), width);
    flush();
  }
  if (extra_width > 0) {
    start_block();
    R::one_row(block, x.at(row_start(end), extra_width, buffer[0]), extra_width);
    flush();
  }
}

template <class R, class Out, class Finish>
void reduce_rows(const Reader<typename R::In>& x, const Plan& plan, Out* out,
                 const Finish& finish) {
  using Acc = typename R::Acc;
  // Narrow rows are taken several at a time, as one wide row that is folded at the end.
  const bool narrow = plan.reduced_rank == 1 && plan.line < 128;
  const std::int64_t fold = narrow ? min_of(plan.passes, ceil_div(256, plan.line)) : 1;
  const std::int64_t width = fold * plan.line;
  const std::int64_t rows = plan.passes / fold;
  const std::int64_t extra_width = plan.passes % fold * plan.line;
  const std::int64_t column_blocks = ceil_div(width, kColumns);
  const std::int64_t block_width = min_of(width, kColumns);
  const std::int64_t block_rows = ceil_div(kBlock, block_width * kFlushRows) * kFlushRows;
  const std::int64_t row_blocks = ceil_div(rows, block_rows);
  const std::int64_t units = plan.outputs * column_blocks * row_blocks;
  const std::int64_t unit_size = block_width * min_of(rows, block_rows);

  const auto fold_and_store = [&](const Acc* total, Out* to, std::int64_t n) {
    for (std::int64_t c = 0; c < n; ++c) {
      Acc value = total[c];
      for (std::int64_t k = 1; k < fold; ++k) value = R::combine(value, total[k * n + c]);
      to[c] = finish(value);
    }
  };
  // total is null when the unit finishes its outputs itself.
  const auto run = [&](std::int64_t unit, Acc* total) {
    const std::int64_t row_block = unit % row_blocks;
    const std::int64_t column = unit / row_blocks % column_blocks * kColumns;
    const std::int64_t output = unit / row_blocks / column_blocks;
    const std::int64_t base = locate(output, plan.kept_rank, plan.kept, plan.kept_step) + column;
    const auto row_start = [&](std::int64_t row) {
      return base + (fold > 1 ? row * width
                              : locate(row, plan.reduced_rank, plan.reduced, plan.reduced_step));
    };
    const std::int64_t first = row_block * block_rows;
    const std::int64_t end = min_of(rows, first + block_rows);
    const std::int64_t n = min_of(kColumns, width - column);
    Acc here[kColumns];
    reduce_columns<R>(x, row_start, first, end, n, end == rows ? extra_width : 0,
                      total ? total + column : here);
    if (!total) fold_and_store(here, out + output * plan.line + column, fold > 1 ? plan.line : n);
  };
  if (row_blocks == 1) {
    parallel(units, max_of<std::int64_t>(1, kGrain / unit_size),
             [&](std::int64_t begin, std::int64_t end) {
               for (std::int64_t u = begin; u < end; ++u) run(u, nullptr);
             });
    return;
  }
  const Scratch<Acc> partial(plan.outputs * row_blocks * width);
  const auto row_of = [&](std::int64_t output, std::int64_t row_block) {
    return partial.data() + (output * row_blocks + row_block) * width;
  };
  parallel(units, max_of<std::int64_t>(1, kGrain / unit_size),
           [&](std::int64_t begin, std::int64_t end) {
             for (std::int64_t u = begin; u < end; ++u)
               run(u, row_of(u / row_blocks / column_blocks, u % row_blocks));
           });
  for (std::int64_t o = 0; o < plan.outputs; ++o) {
    Acc* total = row_of(o, 0);
    for (std::int64_t b = 1; b < row_blocks; ++b) {
      const Acc* next = row_of(o, b);
      for (std::int64_t c = 0; c < width; ++c) total[c] = R::combine(total[c], next[c]);
    }
    fold_and_store(total, out + o * plan.line, plan.line);
  }
}

template <class R, class Out, class Finish>
void reduce(const TensorView& view, const Shape& dims, Out* out, std::int64_t out_count,
            const Finish& finish) {
  if (view.numel == 0) {
    for (std::int64_t i = 0; i < out_count; ++i) out[i] = finish(R::kIdentity);
    return;
  }
  if (out_count == 1 && view.contiguous && view.numel <= R::kRun) {
    // What the plan would come to, without making one.
    out[0] = finish(R::line(static_cast<const typename R::In*>(view.data), view.numel));
    return;
  }
  const Reader<typename R::In> x{view};
  const Plan plan = make_plan(view, dims);
  if (plan.line_reduced)
    reduce_lines<R>(x, plan, out, finish);
  else
    reduce_rows<R>(x, plan, out, finish);
}

}  // namespace
}  // namespace catena::cpu::CATENA_ISA
