// DType: the element types of tensors, and the step from a DType value to a C++ type.
#pragma once
#include <fmt/core.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tuco {

/// An element type. float16 and bfloat16 have their place here and no kernels yet: making such a
/// tensor throws DTypeError.
enum class DType : uint8_t {
  float32,
  float64,
  float16,
  bfloat16,
  int8,
  uint8,
  int16,
  int32,
  int64,
  bool_
};

/// NumPy's name: "float32", "bool".
std::string_view name(DType dtype);
/// Bytes of one element.
size_t size_of(DType dtype);
/// Whether it is one of the floating-point types.
constexpr bool is_floating(DType dtype) { return dtype <= DType::bfloat16; }

/// The DType of a C++ element type.
template <class T>
inline constexpr DType dtype_of = [] {
  static_assert(sizeof(T) == 0, "not an element type");
  return DType::float32;
}();
template <>
inline constexpr DType dtype_of<float> = DType::float32;
template <>
inline constexpr DType dtype_of<double> = DType::float64;
template <>
inline constexpr DType dtype_of<int8_t> = DType::int8;
template <>
inline constexpr DType dtype_of<uint8_t> = DType::uint8;
template <>
inline constexpr DType dtype_of<int16_t> = DType::int16;
template <>
inline constexpr DType dtype_of<int32_t> = DType::int32;
template <>
inline constexpr DType dtype_of<int64_t> = DType::int64;
template <>
inline constexpr DType dtype_of<bool> = DType::bool_;

/// Throws DTypeError: `op` has no meaning, or no kernel, for `dtype`.
[[noreturn]] void unsupported_dtype(std::string_view op, DType dtype);

/// Calls f.template operator()<float or double>(). Throws DTypeError naming `op` for other types.
template <class F>
decltype(auto) dispatch_floating(std::string_view op, DType dtype, F&& f) {
  switch (dtype) {
    case DType::float32:
      return f.template operator()<float>();
    case DType::float64:
      return f.template operator()<double>();
    default:
      unsupported_dtype(op, dtype);
  }
}

/// Calls f.template operator()<T>() for every type that tensors can have today. Throws DTypeError
/// naming `op` for the others.
template <class F>
decltype(auto) dispatch_all(std::string_view op, DType dtype, F&& f) {
  switch (dtype) {
    case DType::int8:
      return f.template operator()<int8_t>();
    case DType::uint8:
      return f.template operator()<uint8_t>();
    case DType::int16:
      return f.template operator()<int16_t>();
    case DType::int32:
      return f.template operator()<int32_t>();
    case DType::int64:
      return f.template operator()<int64_t>();
    case DType::bool_:
      return f.template operator()<bool>();
    default:
      return dispatch_floating(op, dtype, static_cast<F&&>(f));
  }
}

}  // namespace tuco

template <>
struct fmt::formatter<tuco::DType> : fmt::formatter<std::string_view> {
  template <class Context>
  auto format(tuco::DType dtype, Context& context) const {
    return fmt::formatter<std::string_view>::format(tuco::name(dtype), context);
  }
};
