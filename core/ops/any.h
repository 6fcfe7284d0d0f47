// The closed list of ops. Every dispatcher visits it, and a rule that is missing for one of its
// members is a compile error there.
#pragma once
#include <string>
#include <variant>

#include "tuco/core/ops/batch_norm.h"
#include "tuco/core/ops/conv2d.h"
#include "tuco/core/ops/custom.h"
#include "tuco/core/ops/fill.h"
#include "tuco/core/ops/lstm.h"
#include "tuco/core/ops/matmul.h"
#include "tuco/core/ops/moves.h"
#include "tuco/core/ops/pool2d.h"
#include "tuco/core/ops/quantized.h"
#include "tuco/core/ops/random.h"
#include "tuco/core/ops/reduce.h"
#include "tuco/core/ops/resize.h"
#include "tuco/core/ops/softmax.h"
#include "tuco/core/ops/views.h"
#include "tuco/core/pointwise.h"

namespace tuco::op {

namespace detail {

using StructuredList =
    TypeList<Where, Cast, Copy, ToDevice, Concat, Pad, Gather, GatherGrad, Slice, Permute, Reshape,
             Expand, Sum, Mean, Max, ArgMax, MatMul, Linear, FusedLinear, Conv2d, FusedConv2d,
             Conv2dGradInput, Conv2dGradWeight, MaxPool2d, MaxPool2dGrad, AvgPool2d, AvgPool2dGrad,
             ResizeNearest, ResizeNearestGrad, BatchNorm, BatchNormTrain, BatchNormTrainGrad,
             BatchNormRelu, BatchNormReluPool, BatchNormReluPoolGrad, Lstm, LstmTrain, LstmGrad,
             Softmax, LogSoftmax, SoftmaxGrad, LogSoftmaxGrad, Dropout, Random, Fill, Accumulate,
             SgdStep, AdamWStep, Custom>;

template <class... Lists>
struct Join;
template <class... A, class... B, class... C, class... D, class... E>
struct Join<TypeList<A...>, TypeList<B...>, TypeList<C...>, TypeList<D...>, TypeList<E...>> {
  using variant = std::variant<A..., UnaryGrad<A>..., B..., C..., D..., E...>;
};

}  // namespace detail

/// Any op of Tuco: a std::variant, which std::visit, std::get_if and std::holds_alternative take. Its
/// copies and destructor are compiled once, in any.cpp, not in every file that keeps ops in a list.
class Any : public detail::Join<UnaryList, BinaryList, CompareList, detail::StructuredList,
                                QuantizedList>::variant {
 public:
  using variant::variant;
  Any();
  ~Any();
  Any(const Any& other);
  Any(Any&& other) noexcept;
  Any& operator=(const Any& other);
  Any& operator=(Any&& other) noexcept;
};

}  // namespace tuco::op

namespace tuco {

/// The op's name, as errors and graphs print it; a custom op's own.
std::string name(const op::Any& op);
/// Name and attributes: "conv2d(stride=(1, 1), ...)".
std::string to_string(const op::Any& op);

}  // namespace tuco
