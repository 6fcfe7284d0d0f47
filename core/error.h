// The errors that Tuco throws. A user's mistake throws one of these, with a text that says the
// operation, what was expected and what came, and with the operands kept as fields; a bug of ours
// asserts.
#pragma once
#include <fmt/format.h>

#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "tuco/core/device.h"
#include "tuco/core/dtype.h"
#include "tuco/core/shape.h"

namespace tuco {

/// The base of all errors that Tuco throws.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
  /// Operands that the error's class has no field for are in its text alone.
  template <class T>
  void keep(const T&) {}
};

/// Shapes that do not fit together, or a dimension out of range.
struct ShapeError : Error {
  using Error::Error;
  using Error::keep;
  void keep(const Shape& shape) { shapes.push_back(shape); }
  /// The offending shapes, in the order of the text.
  std::vector<Shape> shapes;
};

/// Element types that do not fit together or that an operation does not know.
struct DTypeError : Error {
  using Error::Error;
  using Error::keep;
  void keep(DType dtype) { dtypes.push_back(dtype); }
  /// The offending types, in the order of the text.
  std::vector<DType> dtypes;
};

/// A device that is not there, or tensors of different devices.
struct DeviceError : Error {
  using Error::Error;
  using Error::keep;
  void keep(const Device& device) { devices.push_back(device); }
  /// The devices asked for, in the order of the text.
  std::vector<Device> devices;
};

/// A call of the CUDA libraries that failed, or a value that a kernel found to be out of range; the
/// text names the call and has the library's own words.
struct CudaError : Error {
  using Error::Error;
};

/// A device whose memory does not hold what was asked for; a std::bad_alloc that says so.
struct OutOfMemory : std::bad_alloc {
  explicit OutOfMemory(std::string what) : text(std::move(what)) {}
  const char* what() const noexcept override { return text.c_str(); }
  std::string text;
};

/// An operation or attribute that the place it reached cannot handle.
struct UnsupportedOp : Error {
  using Error::Error;
};

/// A file that cannot be opened, read or written; the text names it and the cause.
struct IoError : Error {
  using Error::Error;
};

/// A file or byte sequence that is not what it claims to be; the text names it and the place.
struct FormatError : Error {
  using Error::Error;
};

/// Throws E with a text made by fmt; operands with a field in E are kept there.
template <class E, class... T>
[[noreturn]] void fail(fmt::format_string<const T&...> text, const T&... operands) {
  E error(fmt::format(text, operands...));
  (error.keep(operands), ...);
  throw error;
}

/// Throws E as `fail` does unless `ok`.
template <class E, class... T>
void require(bool ok, fmt::format_string<const T&...> text, const T&... operands) {
  if (!ok) [[unlikely]]
    fail<E, T...>(text, operands...);
}

}  // namespace tuco
