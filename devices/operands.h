// What the kernels of every device agree on: which ops have one, and which operands it takes.
#pragma once
#include <algorithm>
#include <span>
#include <string_view>
#include <vector>

#include "tuco/core/backend.h"
#include "tuco/core/error.h"

namespace tuco {

/// The reason why an op has no kernel on any device; null for the ops that have one.
template <class Op>
inline constexpr const char* not_on_device = nullptr;
inline constexpr const char* kMovesNoBytes = "a view moves no bytes";
template <>
inline constexpr const char* not_on_device<op::Slice> = kMovesNoBytes;
template <>
inline constexpr const char* not_on_device<op::Permute> = kMovesNoBytes;
template <>
inline constexpr const char* not_on_device<op::Reshape> = kMovesNoBytes;
template <>
inline constexpr const char* not_on_device<op::Expand> = kMovesNoBytes;
template <>
inline constexpr const char* not_on_device<op::ToDevice> = "two devices take part";
template <>
inline constexpr const char* not_on_device<op::Custom> = "a user's op brings its own code";

/// Whether the op's kernel takes any strides; the inputs of others are made dense before, and their
/// outputs must be.
template <class Op>
inline constexpr bool takes_strides =
    op::Binary<Op> || op::Compare<Op> || op::Unary<Op> || std::is_same_v<Op, op::Copy> ||
    std::is_same_v<Op, op::Cast> || std::is_same_v<Op, op::Where> ||
    std::is_same_v<Op, op::Concat> || std::is_same_v<Op, op::Pad> ||
    std::is_same_v<Op, op::Accumulate> || std::is_same_v<Op, op::Fill>;

/// Typed pointer of a tensor whose type the caller has dispatched on.
template <class T>
T* ptr(const Tensor& tensor) {
  return static_cast<T*>(tensor.raw());
}

/// The first element of a tensor's storage, to which a layout's offsets count.
template <class T>
T* base(const Tensor& tensor) {
  return static_cast<T*>(tensor.storage()->data());
}

/// Throws Error naming `op` unless all tensors are dense; undefined ones are operands that are not
/// there.
inline void require_dense(std::string_view op, std::span<const Tensor> tensors) {
  for (const Tensor& tensor : tensors)
    if (tensor.defined())
      require<Error>(tensor.is_contiguous(), "{}: an operand of shape {} is not dense", op,
                     tensor.shape());
}

/// Calls body(inputs) with inputs that the op's kernel takes, copies where they have to be dense
/// and are not. Throws Error where an output has to be and is not.
template <class Op, class Body>
void with_operands(Inputs inputs, std::span<const Tensor> outputs, const Body& body) {
  if constexpr (takes_strides<Op>) {
    body(inputs);
  } else {
    require_dense(Op::name, outputs);
    const auto is_dense = [](const Tensor& t) { return !t.defined() || t.is_contiguous(); };
    if (std::ranges::all_of(inputs, is_dense)) return body(inputs);
    std::vector<Tensor> dense_inputs(inputs.begin(), inputs.end());
    for (Tensor& tensor : dense_inputs)
      if (tensor.defined()) tensor = dense(tensor);
    body(Inputs(dense_inputs));
  }
}

/// Throws Error unless the op's kernel takes these operands as they are.
template <class Op>
void require_operands(Inputs inputs, std::span<const Tensor> outputs) {
  if constexpr (!takes_strides<Op>) {
    require_dense(Op::name, inputs);
    require_dense(Op::name, outputs);
  }
}

}  // namespace tuco
