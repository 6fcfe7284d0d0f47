// Tensor: an n-dimensional array on a device, with an optional place on the autograd tape. It is a
// handle: copies share bytes and gradient. Everything that computes is a free function
// (autograd/functions.h); methods ending in _ change the tensor in place and are never recorded.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tuco/core/device.h"
#include "tuco/core/dtype.h"
#include "tuco/core/layout.h"
#include "tuco/core/storage.h"

namespace tuco {

class Rng;
struct GradState;  // autograd/tape.h

/// What is known of a tensor without its bytes.
struct TensorMeta {
  Shape shape;
  DType dtype = DType::float32;
  Device device = Device::cpu();
  friend bool operator==(const TensorMeta&, const TensorMeta&) = default;
};

/// Element type and device of a new tensor.
struct TensorOptions {
  DType dtype = DType::float32;
  Device device = Device::cpu();
};

/// A handle to an n-dimensional array; a default-made one is undefined and has nothing.
class Tensor {
 public:
  Tensor() = default;
  /// A view of `storage`; bytes are neither read nor written.
  Tensor(std::shared_ptr<Storage> storage, const Layout& layout, DType dtype);

  /// Whether there is a tensor behind the handle; nearly everything else throws Error if not.
  bool defined() const { return impl_ != nullptr; }

  const Layout& layout() const { return impl().layout; }
  const Shape& shape() const { return impl().layout.shape; }
  const Strides& strides() const { return impl().layout.strides; }
  /// Size of dimension `i`, negative ones from the back. Throws ShapeError out of range.
  int64_t dim(int i) const;
  int rank() const { return shape().rank(); }
  int64_t numel() const { return shape().numel(); }
  DType dtype() const { return impl().dtype; }
  Device device() const { return impl().storage->device(); }
  TensorMeta meta() const { return {shape(), dtype(), device()}; }
  bool is_contiguous() const { return layout().is_contiguous(); }
  const std::shared_ptr<Storage>& storage() const { return impl().storage; }

  /// The elements as T, first one first (strides apply). Throws DTypeError if T is not the type,
  /// DeviceError off the CPU, and Error while tracing, since a graph cannot depend on a value.
  template <class T>
  T* data() const {
    check_host_access(dtype_of<T>);
    return static_cast<T*>(raw());
  }
  /// The first element's address on the device, whatever the type: for kernels.
  void* raw() const {
    return static_cast<char*>(impl().storage->data()) + layout().offset * size_of(dtype());
  }
  /// All elements in row-major order. Throws as data() does, but takes any device and strides.
  template <class T>
  std::vector<T> to_vector() const {
    const Tensor dense = contiguous_on_host(dtype_of<T>);
    const T* first = dense.data<T>();
    return std::vector<T>(first, first + dense.numel());  // with {}, two pointers make two bools
  }
  /// The only element, converted to T (float, double, int64_t, ...). Throws ShapeError if there is
  /// not exactly one.
  template <class T = float>
  T item() const {
    return static_cast<T>(item_as_double());
  }

  /// A copy with its own dense bytes, off the tape.
  Tensor clone() const;
  /// A view of the same bytes, off the tape.
  Tensor detach() const;
  /// On another device, itself if it is there already; recorded on the tape.
  Tensor to(Device device) const;
  /// Converted to another element type, itself if it has it; recorded on the tape.
  Tensor to(DType dtype) const;

  /// Copies values of the same shape (or one that broadcasts) and any type and device over this
  /// one's, also from a view of the same bytes. Throws ShapeError; and Error, as all methods ending
  /// in _ do, on a tensor that needs a gradient while recording, and on one expanded so that
  /// several elements share a place.
  Tensor& copy_(const Tensor& source);
  /// Sets every element.
  Tensor& fill_(double value);
  Tensor& zero_() { return fill_(0); }
  /// this += alpha * other, of the same shape and type.
  Tensor& add_(const Tensor& other, double alpha = 1);
  /// this *= factor.
  Tensor& mul_(double factor);

  /// Whether operations on it are recorded for backward().
  bool requires_grad() const;
  /// Makes a leaf of the tape, or stops being one. Throws DTypeError for integers, and Error on a
  /// result of recorded operations.
  Tensor& requires_grad_(bool on = true);
  /// The gradient accumulated by backward(), undefined before that.
  Tensor grad() const;
  /// Replaces the gradient; an undefined one clears it. Throws ShapeError, DTypeError or
  /// DeviceError if it differs from the tensor.
  void set_grad(const Tensor& grad);
  /// Adds d(this)/d(leaf) to every leaf that needs a gradient. `gradient` is d(loss)/d(this), and
  /// may be left out for a scalar. Frees what was saved: a second call throws Error.
  void backward(const Tensor& gradient = {}) const;

  /// The numbers, as NumPy prints them, long dimensions abbreviated.
  std::string to_string() const;

  /// The tape's record, or null: for autograd.
  const std::shared_ptr<GradState>& grad_state() const { return impl().grad_state; }
  void set_grad_state(std::shared_ptr<GradState> state) { impl().grad_state = std::move(state); }
  /// Whether both handles refer to the same tensor.
  bool same(const Tensor& other) const { return impl_ == other.impl_; }
  /// Whether no other handle or tensor shares the bytes, so that changing them shows nowhere else.
  bool is_unique() const { return impl_.use_count() == 1 && impl_->storage.use_count() == 1; }
  /// Stands for the tensor's identity in maps.
  const void* id() const { return impl_.get(); }

 private:
  struct Impl {
    std::shared_ptr<Storage> storage;
    Layout layout;
    DType dtype;
    std::shared_ptr<GradState> grad_state;
  };

  Impl& impl() const {
    if (!impl_) [[unlikely]]
      throw_undefined();
    return *impl_;
  }
  [[noreturn]] static void throw_undefined();
  void check_host_access(DType wanted) const;
  Tensor contiguous_on_host(DType wanted) const;
  double item_as_double() const;

  std::shared_ptr<Impl> impl_;
};

/// A new tensor with undefined values. Throws DTypeError for types without kernels.
Tensor empty(const Shape& shape, const TensorOptions& options = {});
/// A new tensor of the same shape, type and device, dense, with undefined values.
Tensor empty_like(const Tensor& tensor);
Tensor empty(const TensorMeta& meta);
/// A new tensor of zeros, ones or one value.
Tensor zeros(const Shape& shape, const TensorOptions& options = {});
Tensor zeros_like(const Tensor& tensor);
Tensor ones(const Shape& shape, const TensorOptions& options = {});
Tensor full(const Shape& shape, double value, const TensorOptions& options = {});
/// start, start + step, ... before stop.
Tensor arange(double start, double stop, double step = 1, const TensorOptions& options = {});
/// Standard normal and uniform [0, 1) numbers, from `rng` (which moves on) or the program's own
/// generator.
Tensor randn(const Shape& shape, Rng& rng, const TensorOptions& options = {});
Tensor randn(const Shape& shape, const TensorOptions& options = {});
Tensor rand(const Shape& shape, Rng& rng, const TensorOptions& options = {});
Tensor rand(const Shape& shape, const TensorOptions& options = {});

/// A tensor on the CPU with a copy of `values`, row-major. Throws ShapeError if the count differs.
template <class T>
Tensor from_values(const std::vector<T>& values, const Shape& shape);

/// A dense version: the tensor itself where it is dense already, else a copy, off the tape.
Tensor dense(const Tensor& tensor);

/// Bytes of tensors that live in this program, on `device`.
struct MemoryStats {
  /// In use now, and the most there ever was since reset_peak_memory.
  size_t current_bytes = 0, peak_bytes = 0;
  /// Held by the allocator for reuse, beyond those in use.
  size_t cached_bytes = 0;
};
MemoryStats memory_stats(Device device = Device::cpu());
void reset_peak_memory(Device device = Device::cpu());

}  // namespace tuco
