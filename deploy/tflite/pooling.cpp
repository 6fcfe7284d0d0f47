// Pooling and reductions.
#include <set>

#include "tuco/deploy/tflite/operators.h"
#include "tuco/deploy/tflite/same_padding.h"

namespace tuco::tflite {
namespace {

template <class Pool>
void import_pool(OperatorImport& op) {
  const auto& options = op.options<schema::Pool2DOptions>();
  const int input = op.activation(0);
  const Shape images = op.shape(input);
  require<FormatError>(images.rank() == 4, "input {}, expected four dimensions", images);
  op::PoolWindow window{.kernel = {options.filter_height(), options.filter_width()},
                        .stride = {options.stride_h(), options.stride_w()}};
  window.padding = padding_of(options.padding(), images, window.kernel, window.stride);
  op.give(Pool{window}, {input}, clamp_of(options.fused_activation_function()));
}

/// The dimensions that a reduction goes over, in order.
op::ReduceDims reduction_of(OperatorImport& op) {
  const auto* options = op.options_if_any<schema::ReducerOptions>();
  const int rank = op.shape(op.activation(0)).rank();
  std::set<int64_t> dims;
  for (const int64_t dim : op.integers(1))
    dims.insert(
        normalize_dim("reduction", static_cast<int>(std::clamp<int64_t>(dim, -99, 99)), rank));
  require<FormatError>(!dims.empty(), "over no dimension");
  op::ReduceDims reduction;
  for (const int64_t dim : dims) reduction.dims.push_back(dim);
  reduction.keep = options && options->keep_dims();
  return reduction;
}

template <class Reduction>
void import_reduction(OperatorImport& op) {
  op.give(Reduction{reduction_of(op)}, {op.activation(0)});
}

/// The maximum over neighbouring dimensions of an int8 tensor is a pooling of one that is seen as
/// (n, outer, reduced, inner).
void import_int8_maximum(OperatorImport& op) {
  const op::ReduceDims reduction = reduction_of(op);
  const int input = op.activation(0);
  const Shape shape = op.shape(input), &dims = reduction.dims;
  const int64_t first = dims[0], last = dims[dims.rank() - 1];
  require<UnsupportedOp>(first > 0 && last - first == dims.rank() - 1,
                         "over dimensions {} of {}, expected neighbours behind the batch", dims,
                         shape);
  Shape sizes{-1, 1, 1, 1};
  for (int i = 1; i < shape.rank(); ++i) sizes[i < first ? 1 : i <= last ? 2 : 3] *= shape[i];
  const Hw window(1, sizes[2]);
  const int pooled = op.between(op::MaxPool2d{{.kernel = window, .stride = window}},
                                {op.between(op::Reshape{sizes}, {input})});
  Shape left{-1};
  for (int i = 1; i < shape.rank(); ++i) {
    const bool goes = i >= first && i <= last;
    if (!goes || reduction.keep) left.push_back(goes ? 1 : shape[i]);
  }
  op.give(op::Reshape{left}, {pooled});
}

}  // namespace

void import_average_pool_2d(OperatorImport& op) { import_pool<op::AvgPool2d>(op); }
void import_max_pool_2d(OperatorImport& op) { import_pool<op::MaxPool2d>(op); }
void import_mean(OperatorImport& op) { import_reduction<op::Mean>(op); }
void import_sum(OperatorImport& op) { import_reduction<op::Sum>(op); }
void import_reduce_max(OperatorImport& op) {
  op.int8() ? import_int8_maximum(op) : import_reduction<op::Max>(op);
}

}  // namespace tuco::tflite
