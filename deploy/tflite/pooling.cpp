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

template <class Reduction>
void import_reduction(OperatorImport& op) {
  const int input = op.activation(0);
  const auto* options = op.options_if_any<schema::ReducerOptions>();
  std::set<int64_t> dims;
  for (const int64_t dim : op.integers(1))
    dims.insert(normalize_dim("reduction", static_cast<int>(std::clamp<int64_t>(dim, -99, 99)),
                              op.shape(input).rank()));
  require<FormatError>(!dims.empty(), "over no dimension");
  Reduction reduction;
  for (const int64_t dim : dims) reduction.dims.push_back(dim);
  reduction.keep = options && options->keep_dims();
  op.give(reduction, {input});
}

}  // namespace

void import_average_pool_2d(OperatorImport& op) { import_pool<op::AvgPool2d>(op); }
void import_max_pool_2d(OperatorImport& op) { import_pool<op::MaxPool2d>(op); }
void import_mean(OperatorImport& op) { import_reduction<op::Mean>(op); }
void import_sum(OperatorImport& op) { import_reduction<op::Sum>(op); }
void import_reduce_max(OperatorImport& op) { import_reduction<op::Max>(op); }

}  // namespace tuco::tflite
