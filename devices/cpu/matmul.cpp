// Products, by the kernels of gemm.h.
#include "tuco/core/error.h"
#include "tuco/core/layout.h"
#include "tuco/devices/cpu/fused_epilogue.h"
#include "tuco/devices/cpu/gemm.h"
#include "tuco/devices/cpu/kernels.h"

namespace tuco::cpu {
namespace {

/// The weight of a Linear, packed.
struct PreparedLinear final : Prepared {
  explicit PreparedLinear(PackedMatrix matrix) : weight(std::move(matrix)) {}
  PackedMatrix weight;
};

}  // namespace

void run(const op::MatMul& op, Inputs in, Out out, Workspace&) {
  const Shape &a_shape = in[0].shape(), &b_shape = in[1].shape(), &y_shape = out[0].shape();
  const int64_t m = y_shape[y_shape.rank() - 2], n = y_shape.back();
  const int64_t k = a_shape[a_shape.rank() - (op.transpose_a ? 2 : 1)];
  // The leading dimensions, as layouts counted in matrices.
  const auto leading = [](const Shape& s) { return Shape({s.begin(), s.end() - 2}); };
  const Shape batch = leading(y_shape);
  const std::array<Layout, 2> matrices = {Layout(leading(a_shape)).expand(batch),
                                          Layout(leading(b_shape)).expand(batch)};
  dispatch_floating(op.name, out[0].dtype(), [&]<class T>() {
    const T *a = ptr<T>(in[0]), *b = ptr<T>(in[1]);
    T* y = ptr<T>(out[0]);
    const int64_t sa = batch.rank() ? matrices[0].strides.back() : 0,
                  sb = batch.rank() ? matrices[1].strides.back() : 0;
    for_each_run<2>(matrices, 0, count_runs(batch), [&](const auto& at, int64_t count) {
      for (int64_t i = 0; i < count; ++i, y += m * n)
        gemm<T>(op.transpose_a, op.transpose_b, m, n, k, T{1}, a + (at[0] + i * sa) * m * k,
                a_shape.back(), b + (at[1] + i * sb) * k * n, b_shape.back(), T{0}, y, n);
    });
  });
}

namespace {

template <class Op>
void run_linear(const Op& op, Inputs in, Out out, const Workspace& workspace) {
  const int64_t inner = in[1].dim(1), columns = in[1].dim(0);
  const int64_t rows = columns ? out[0].numel() / columns : 0;
  if (const auto* prepared = dynamic_cast<const PreparedLinear*>(workspace.prepared())) {
    return gemm(rows, ptr<float>(in[0]), inner, prepared->weight, ptr<float>(out[0]), columns,
                epilogue_of<float>(op, in));
  }
  dispatch_floating(op.name, out[0].dtype(), [&]<class T>() {
    gemm<T>(false, true, rows, columns, inner, T{1}, ptr<T>(in[0]), inner, ptr<T>(in[1]), inner,
            T{0}, ptr<T>(out[0]), columns, epilogue_of<T>(op, in));
  });
}

std::unique_ptr<Prepared> prepare_linear(Inputs constants) {
  if (constants.size() < 2 || !constants[1].defined() || constants[1].dtype() != DType::float32)
    return nullptr;
  const Tensor weight = dense(constants[1]);
  return std::make_unique<PreparedLinear>(
      PackedMatrix(true, weight.dim(1), weight.dim(0), ptr<float>(weight), weight.dim(1)));
}

}  // namespace

void run(const op::Linear& op, Inputs in, Out out, Workspace& workspace) {
  run_linear(op, in, out, workspace);
}
void run(const op::FusedLinear& op, Inputs in, Out out, Workspace& workspace) {
  run_linear(op, in, out, workspace);
}
std::unique_ptr<Prepared> prepare(const op::Linear&, Inputs constants) {
  return prepare_linear(constants);
}
std::unique_ptr<Prepared> prepare(const op::FusedLinear&, Inputs constants) {
  return prepare_linear(constants);
}

}  // namespace tuco::cpu
