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

/// An int8 tensor of which neighbouring dimensions go.
struct Neighbours {
  int value;
  /// The first and the last of them.
  int first, last;
};

/// The input, permuted where those that go are no neighbours.
Neighbours neighbours_of(OperatorImport& op, const Shape& dims) {
  const int input = op.activation(0), rank = op.shape(input).rank(), count = dims.rank();
  require<UnsupportedOp>(dims[0] > 0, "over the batch");
  if (dims[count - 1] - dims[0] == count - 1)
    return {input, static_cast<int>(dims[0]), static_cast<int>(dims[count - 1])};
  op::Permute permute;
  for (int i = 0; i < rank; ++i)
    if (!std::ranges::count(dims, i)) permute.order.push_back(i);
  for (const int64_t dim : dims) permute.order.push_back(dim);
  return {op.between(permute, {input}), rank - count, rank - 1};
}

/// The output's shape for any batch.
Shape result_sizes(OperatorImport& op, const op::ReduceDims& reduction) {
  const Shape shape = op.shape(op.activation(0));
  Shape sizes{-1};
  for (int i = 1; i < shape.rank(); ++i) {
    const bool goes = std::ranges::count(reduction.dims, i) > 0;
    if (!goes || reduction.keep) sizes.push_back(goes ? 1 : shape[i]);
  }
  return sizes;
}

template <class Reduction>
void import_int8_reduction(OperatorImport& op) {
  const op::ReduceDims reduction = reduction_of(op);
  const auto [value, first, last] = neighbours_of(op, reduction.dims);
  Reduction neighbours{{.keep = reduction.keep}};
  for (int i = first; i <= last; ++i) neighbours.dims.push_back(i);
  if (neighbours.dims == reduction.dims || !reduction.keep) return op.give(neighbours, {value});
  const int result = op.between(neighbours, {value}, op.quantization_of(op.output()));
  op.give(op::Reshape{result_sizes(op, reduction)}, {result});
}

/// The maximum is a pooling of a tensor that is seen as (n, outer, reduced, inner).
void import_int8_maximum(OperatorImport& op) {
  const op::ReduceDims reduction = reduction_of(op);
  const auto [value, first, last] = neighbours_of(op, reduction.dims);
  const Shape shape = op.shape(value);
  Shape sizes{-1, 1, 1, 1};
  for (int i = 1; i < shape.rank(); ++i) sizes[i < first ? 1 : i <= last ? 2 : 3] *= shape[i];
  const Hw window(1, sizes[2]);
  const int pooled = op.between(op::MaxPool2d{{.kernel = window, .stride = window}},
                                {op.between(op::Reshape{sizes}, {value})});
  op.give(op::Reshape{result_sizes(op, reduction)}, {pooled});
}

}  // namespace

void import_average_pool_2d(OperatorImport& op) { import_pool<op::AvgPool2d>(op); }
void import_max_pool_2d(OperatorImport& op) { import_pool<op::MaxPool2d>(op); }
void import_mean(OperatorImport& op) {
  op.int8() ? import_int8_reduction<op::Mean>(op) : import_reduction<op::Mean>(op);
}
void import_sum(OperatorImport& op) {
  op.int8() ? import_int8_reduction<op::Sum>(op) : import_reduction<op::Sum>(op);
}
void import_reduce_max(OperatorImport& op) {
  op.int8() ? import_int8_maximum(op) : import_reduction<op::Max>(op);
}

}  // namespace tuco::tflite
