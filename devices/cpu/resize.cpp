// Resizing by the nearest pixel: rows and pixels are copied from where a table says, in the
// gradient added to there.
#include "tuco/core/ops/resize.h"

#include "tuco/core/parallel.h"
#include "tuco/devices/cpu/kernels.h"

namespace tuco::cpu {
namespace {

/// Where each of `out` pixels comes from.
std::vector<int64_t> sources(const op::ResizeNearest& op, int64_t in, int64_t out) {
  std::vector<int64_t> table(out);
  for (int64_t i = 0; i < out; ++i) table[i] = nearest_source(op, i, in, out);
  return table;
}

int64_t row_grain(int64_t row) { return std::max<int64_t>(1, kGrain / std::max<int64_t>(1, row)); }

/// An image resized as often as it is asked for, without another look at the tables' making.
class Resizing final : public Bound {
 public:
  Resizing(const op::ResizeNearest& op, const Tensor& in, const Tensor& out)
      : in_(in),
        out_(out),
        rows_(sources(op, in.dim(1), out.dim(1))),
        columns_(sources(op, in.dim(2), out.dim(2))) {}

  void run() override {
    const Shape &from = in_.shape(), &to = out_.shape();
    const int64_t c = to[3], row = to[2] * c;
    dispatch_size(in_.dtype(), [&]<class T>() {
      const T* x = ptr<T>(in_);
      T* y = ptr<T>(out_);
      parallel_for(0, to[0] * to[1], row_grain(row), [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const T* line = x + (i / to[1] * from[1] + rows_[i % to[1]]) * from[2] * c;
          for (int64_t k = 0; k < to[2]; ++k)
            std::copy_n(line + columns_[k] * c, c, y + i * row + k * c);
        }
      });
    });
  }

 private:
  Tensor in_, out_;
  std::vector<int64_t> rows_, columns_;
};

}  // namespace

void run(const op::ResizeNearest& op, Inputs in, Out out, Workspace&) {
  Resizing(op, in[0], out[0]).run();
}

std::unique_ptr<Bound> bind(const op::ResizeNearest& op, Inputs in, std::span<const Tensor> out,
                            const Prepared*) {
  return std::make_unique<Resizing>(op, in[0], out[0]);
}

void run(const op::ResizeNearestGrad& op, Inputs in, Out out, Workspace&) {
  const Shape &resized = in[0].shape(), &images = out[0].shape();
  const auto rows = sources(op.resize, images[1], resized[1]),
             columns = sources(op.resize, images[2], resized[2]);
  const int64_t c = images[3], row = images[2] * c;
  dispatch_floating(op.name, in[0].dtype(), [&]<class T>() {
    const T* g = ptr<T>(in[0]);
    T* y = ptr<T>(out[0]);
    parallel_for(0, images[0] * images[1], row_grain(row), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        T* line = y + i * row;
        std::fill_n(line, row, T{0});
        // Sources ascend: the rows that were made of this one are neighbours.
        const auto [first, last] = std::equal_range(rows.begin(), rows.end(), i % images[1]);
        for (auto at = first; at != last; ++at) {
          const T* from = g + (i / images[1] * resized[1] + (at - rows.begin())) * resized[2] * c;
          for (int64_t k = 0; k < resized[2]; ++k)
            for (int64_t j = 0; j < c; ++j) line[columns[k] * c + j] += from[k * c + j];
        }
      }
    });
  });
}

}  // namespace tuco::cpu
