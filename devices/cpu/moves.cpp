// Copies, casts, joins, look-ups and choices.
#include "tuco/core/error.h"
#include "tuco/core/convert.h"
#include "tuco/devices/cpu/strided.h"

namespace tuco::cpu {
namespace {

/// Copies `from` over the elements of `to_storage` that `to` describes; the same shape.
template <class T>
void copy_into(const Tensor& from, const Tensor& to_storage, const Layout& to) {
  const T* x = base<T>(from);
  T* y = base<T>(to_storage);
  parallel_runs<2>({from.layout(), to}, [&](const auto& at, const auto& step, int64_t n) {
    if (step[0] == 1 && step[1] == 1) {
      std::memcpy(y + at[1], x + at[0], n * sizeof(T));
    } else {
      for (int64_t i = 0; i < n; ++i) y[at[1] + i * step[1]] = x[at[0] + i * step[0]];
    }
  });
}

}  // namespace

void run(const op::Copy&, Inputs in, Out out, Workspace&) {
  dispatch_size(in[0].dtype(), [&]<class T>() { copy_into<T>(in[0], out[0], out[0].layout()); });
}

void run(const op::Cast& op, Inputs in, Out out, Workspace&) {
  dispatch_all(op.name, in[0].dtype(), [&]<class From>() {
    dispatch_all(op.name, op.dtype, [&]<class To>() {
      const From* x = base<From>(in[0]);
      To* y = base<To>(out[0]);
      parallel_runs<2>({in[0].layout(), out[0].layout()},
                       [&](const auto& at, const auto& step, int64_t n) {
                         for (int64_t i = 0; i < n; ++i)
                           y[at[1] + i * step[1]] = convert<To>(x[at[0] + i * step[0]]);
                       });
    });
  });
}

void run(const op::Where& op, Inputs in, Out out, Workspace&) {
  (void)op;
  dispatch_size(out[0].dtype(), [&]<class T>() {
    const Shape& shape = out[0].shape();
    const bool* condition = base<bool>(in[0]);
    const T *a = base<T>(in[1]), *b = base<T>(in[2]);
    T* y = base<T>(out[0]);
    parallel_runs<4>({in[0].layout().expand(shape), in[1].layout().expand(shape),
                      in[2].layout().expand(shape), out[0].layout()},
                     [&](const auto& at, const auto& step, int64_t n) {
                       for (int64_t i = 0; i < n; ++i)
                         y[at[3] + i * step[3]] = condition[at[0] + i * step[0]]
                                                      ? a[at[1] + i * step[1]]
                                                      : b[at[2] + i * step[2]];
                     });
  });
}

void run(const op::Concat& op, Inputs in, Out out, Workspace&) {
  dispatch_size(out[0].dtype(), [&]<class T>() {
    int64_t start = 0;
    for (const Tensor& x : in) {
      const int64_t stop = start + x.shape()[op.dim];
      copy_into<T>(x, out[0], out[0].layout().slice(op.dim, start, stop, 1));
      start = stop;
    }
  });
}

void run(const op::Pad& op, Inputs in, Out out, Workspace& workspace) {
  run(op::Fill{op.value, 0}, {}, out, workspace);
  Layout middle = out[0].layout();
  for (int d = 0; d < in[0].rank(); ++d)
    middle = middle.slice(d, op.before[d], op.before[d] + in[0].shape()[d], 1);
  dispatch_size(out[0].dtype(), [&]<class T>() { copy_into<T>(in[0], out[0], middle); });
}

namespace {

/// (outer, size, inner) around dimension `dim` of a dense tensor.
struct Around {
  int64_t outer = 1, size, inner = 1;
  Around(const Shape& shape, int dim) : size(shape[dim]) {
    for (int d = 0; d < dim; ++d) outer *= shape[d];
    for (int d = dim + 1; d < shape.rank(); ++d) inner *= shape[d];
  }
};

}  // namespace

void run(const op::Gather& op, Inputs in, Out out, Workspace&) {
  const Around from(in[0].shape(), op.dim), to(out[0].shape(), op.dim);
  const int64_t* index = ptr<int64_t>(in[1]);
  dispatch_size(out[0].dtype(), [&]<class T>() {
    const T* x = ptr<T>(in[0]);
    T* y = ptr<T>(out[0]);
    parallel_for(0, to.outer * to.size,
                 std::max<int64_t>(1, kGrain / std::max<int64_t>(1, to.inner)),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t row = begin; row < end; ++row)
                     for (int64_t i = 0; i < to.inner; ++i) {
                       const int64_t at = index[row * to.inner + i];
                       require<ShapeError>(at >= 0 && at < from.size,
                                           "gather: index {} into dimension {} of {}", at, op.dim,
                                           in[0].shape());
                       y[row * to.inner + i] = x[(row / to.size * from.size + at) * from.inner + i];
                     }
                 });
  });
}

void run(const op::GatherGrad& op, Inputs in, Out out, Workspace& workspace) {
  run(op::Fill{0, 0}, {}, out, workspace);
  const Around from(out[0].shape(), op.dim), to(in[0].shape(), op.dim);
  const int64_t* index = ptr<int64_t>(in[1]);
  dispatch_floating(op.name, out[0].dtype(), [&]<class T>() {
    const T* g = ptr<T>(in[0]);
    T* y = ptr<T>(out[0]);
    // Several indices may name one element: a thread takes whole outer blocks.
    parallel_for(
        0, to.outer, std::max<int64_t>(1, kGrain / std::max<int64_t>(1, to.size * to.inner)),
        [&](int64_t begin, int64_t end) {
          for (int64_t row = begin * to.size; row < end * to.size; ++row)
            for (int64_t i = 0; i < to.inner; ++i)
              y[(row / to.size * from.size + index[row * to.inner + i]) * from.inner + i] +=
                  g[row * to.inner + i];
        });
  });
}

}  // namespace tuco::cpu
