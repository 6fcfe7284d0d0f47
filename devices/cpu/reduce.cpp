// Reductions. The dimensions are brought into the form (outer, reduced, inner) by a copy if need
// be; then each output is reduced in an order that does not depend on the number of threads.
#include "tuco/core/error.h"
#include "tuco/core/parallel.h"
#include "tuco/devices/cpu/batch_norm_kernels.h"
#include "tuco/devices/cpu/kernels.h"
#include "tuco/devices/reduce_blocks.h"

namespace tuco::cpu {
namespace {

/// Columns that one pass accumulates side by side, in a buffer on the stack.
constexpr int64_t kColumns = 256;

/// out[o, i] = finish(sum over r of x[o, r, i]), in Accumulator.
template <class T, class Accumulator, class Finish>
void sum_blocks(const ReduceBlocks& blocks, T* out, Finish&& finish) {
  const T* x = ptr<T>(blocks.x);
  const int64_t outer = blocks.outer, reduced = blocks.reduced, inner = blocks.inner;
  const int64_t slices = (inner + kColumns - 1) / kColumns;
  const int64_t grain =
      std::max<int64_t>(1, kGrain / std::max<int64_t>(1, reduced * std::min(inner, kColumns)));
  parallel_for(0, outer * slices, grain, [&](int64_t begin, int64_t end) {
    for (int64_t job = begin; job < end; ++job) {
      const int64_t o = job / slices, first = job % slices * kColumns;
      const int64_t width = std::min(kColumns, inner - first);
      const T* from = x + o * reduced * inner + first;
      if (inner == 1) {
        // Eight chains of additions, so that none waits for the other's result.
        Accumulator chains[8] = {};
        int64_t r = 0;
        for (; r + 8 <= reduced; r += 8)
          for (int j = 0; j < 8; ++j) chains[j] += from[r + j];
        for (; r < reduced; ++r) chains[0] += from[r];
        Accumulator total = 0;
        for (const Accumulator chain : chains) total += chain;
        out[o] = finish(total);
        continue;
      }
      Accumulator totals[kColumns] = {};
      for (int64_t r = 0; r < reduced; ++r)
        for (int64_t i = 0; i < width; ++i) totals[i] += from[r * inner + i];
      for (int64_t i = 0; i < width; ++i) out[o * inner + first + i] = finish(totals[i]);
    }
  });
}

/// Calls better(candidate, best) for all candidates of each output, then store(output, best,
/// index).
template <class T, class Store>
void select_largest(const ReduceBlocks& blocks, Store&& store) {
  const T* x = ptr<T>(blocks.x);
  const int64_t outer = blocks.outer, reduced = blocks.reduced, inner = blocks.inner;
  const int64_t grain = std::max<int64_t>(1, kGrain / std::max<int64_t>(1, reduced));
  parallel_for(0, outer * inner, grain, [&](int64_t begin, int64_t end) {
    for (int64_t job = begin; job < end; ++job) {
      const T* from = x + job / inner * reduced * inner + job % inner;
      int64_t best = 0;
      for (int64_t r = 1; r < reduced; ++r) {
        const T value = from[r * inner], leader = from[best * inner];
        // NaN counts as the largest, as in NumPy.
        if (value > leader || (value != value && leader == leader)) best = r;
      }
      store(job, from[best * inner], best);
    }
  });
}

}  // namespace

void run(const op::Sum& op, Inputs in, Out out, Workspace&) {
  dispatch_all(op.name, in[0].dtype(), [&]<class T>() {
    if constexpr (std::is_floating_point_v<T>) {
      const ReduceBlocks blocks = to_blocks(in[0], op.dims);
      // The gradient of a bias: threads share its rows, not its few columns.
      if (blocks.outer == 1 && blocks.inner > 1 && blocks.reduced > 1)
        return channel_sums<T>(blocks.reduced, blocks.inner, ptr<T>(blocks.x), ptr<T>(out[0]));
      sum_blocks<T, double>(blocks, ptr<T>(out[0]),
                            [](double total) { return static_cast<T>(total); });
    } else if constexpr (sizeof(T) >= 4) {
      sum_blocks<T, int64_t>(to_blocks(in[0], op.dims), ptr<T>(out[0]),
                             [](int64_t total) { return static_cast<T>(total); });
    } else {
      unsupported_dtype(op.name, in[0].dtype());
    }
  });
}

void run(const op::Mean& op, Inputs in, Out out, Workspace&) {
  dispatch_floating(op.name, in[0].dtype(), [&]<class T>() {
    const ReduceBlocks blocks = to_blocks(in[0], op.dims);
    const auto count = static_cast<double>(blocks.reduced);
    sum_blocks<T, double>(blocks, ptr<T>(out[0]),
                          [count](double total) { return static_cast<T>(total / count); });
  });
}

void run(const op::Max& op, Inputs in, Out out, Workspace&) {
  dispatch_all(op.name, in[0].dtype(), [&]<class T>() {
    T* y = ptr<T>(out[0]);
    select_largest<T>(to_blocks(in[0], op.dims),
                      [y](int64_t at, T value, int64_t) { y[at] = value; });
  });
}

void run(const op::ArgMax& op, Inputs in, Out out, Workspace&) {
  dispatch_all(op.name, in[0].dtype(), [&]<class T>() {
    int64_t* y = ptr<int64_t>(out[0]);
    select_largest<T>(to_blocks(in[0], op.dims),
                      [y](int64_t at, T, int64_t index) { y[at] = index; });
  });
}

}  // namespace tuco::cpu
