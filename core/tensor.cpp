#include "tuco/core/tensor.h"

#include "tuco/core/backend.h"
#include "tuco/core/elements.h"
#include "tuco/core/error.h"
#include "tuco/core/host_access.h"
#include "tuco/core/rng.h"

namespace tuco {
namespace {

bool has_kernels(DType dtype) { return dtype != DType::float16 && dtype != DType::bfloat16; }

/// Runs an op that writes into tensors that are already there.
void run_in_place(const op::Any& op, Inputs inputs, Tensor output) {
  Workspace workspace;
  backend(output.device()).run(op, inputs, {&output, 1}, workspace);
}

Tensor random(const Shape& shape, Rng& rng, const TensorOptions& options, bool normal) {
  Tensor result = empty(shape, options);
  if (!is_floating(options.dtype)) unsupported_dtype(normal ? "randn" : "rand", options.dtype);
  const uint64_t block = rng.reserve(static_cast<uint64_t>(shape.numel()));
  run_in_place(op::Random{normal, {rng.seed(), rng.stream(), block}, result.meta()}, {}, result);
  return result;
}

}  // namespace

Tensor::Tensor(std::shared_ptr<Storage> storage, const Layout& layout, DType dtype)
    : impl_(std::make_shared<Impl>(Impl{std::move(storage), layout, dtype, nullptr})) {}

void Tensor::throw_undefined() {
  fail<Error>(
      "an undefined tensor was used: a handle made without a value, or a gradient before "
      "backward()");
}

int64_t Tensor::dim(int i) const { return shape()[normalize_dim("dim", i, rank())]; }

void Tensor::check_host_access(DType wanted) const {
  require<DTypeError>(dtype() == wanted, "data: the tensor is {}, asked for {}", dtype(), wanted);
  require<DeviceError>(device() == Device::cpu(), "data: the tensor is on {}, move it to the CPU",
                       device());
  require<Error>(!ForbidHostAccess::active(),
                 "data: a value of a tensor was read while tracing; a graph cannot depend on it");
}

Tensor Tensor::contiguous_on_host(DType wanted) const {
  Tensor host = *this;
  if (device() != Device::cpu()) {
    const Tensor source = dense(*this);
    host = empty(shape(), {dtype(), Device::cpu()});
    backend(device()).copy_to_host(host.raw(), source.raw(), numel() * size_of(dtype()));
  }
  host = dense(host);
  host.check_host_access(wanted);
  return host;
}

double Tensor::item_as_double() const {
  require<ShapeError>(numel() == 1, "item: the tensor has shape {}, expected one element", shape());
  const Tensor host = contiguous_on_host(dtype());
  return dispatch_all("item", dtype(),
                      [&]<class T>() { return static_cast<double>(*host.data<T>()); });
}

Tensor Tensor::clone() const {
  Tensor result = empty_like(*this);
  run_in_place(op::Copy{}, {this, 1}, result);
  return result;
}

Tensor Tensor::detach() const { return Tensor(storage(), layout(), dtype()); }

Tensor dense(const Tensor& tensor) { return tensor.is_contiguous() ? tensor : tensor.clone(); }

Tensor empty(const Shape& shape, const TensorOptions& options) {
  if (!has_kernels(options.dtype)) unsupported_dtype("empty", options.dtype);
  for (const int64_t size : shape)
    require<ShapeError>(size >= 0, "empty: negative size in {}", shape);
  const auto bytes = checked_bytes(shape, options.dtype);
  require<ShapeError>(bytes.has_value(), "empty: {} has too many elements", shape);
  return Tensor(std::make_shared<Storage>(*bytes, options.device), Layout(shape), options.dtype);
}

Tensor empty(const TensorMeta& meta) { return empty(meta.shape, {meta.dtype, meta.device}); }
Tensor empty_like(const Tensor& tensor) { return empty(tensor.meta()); }

Tensor full(const Shape& shape, double value, const TensorOptions& options) {
  Tensor result = empty(shape, options);
  run_in_place(op::Fill{value, 0}, {}, result);
  return result;
}

Tensor zeros(const Shape& shape, const TensorOptions& options) { return full(shape, 0, options); }
Tensor zeros_like(const Tensor& t) { return zeros(t.shape(), {t.dtype(), t.device()}); }
Tensor ones(const Shape& shape, const TensorOptions& options) { return full(shape, 1, options); }

Tensor arange(double start, double stop, double step, const TensorOptions& options) {
  require<Error>(step != 0, "arange: a step of 0");
  const double count = std::ceil((stop - start) / step);
  require<ShapeError>(count <= static_cast<double>(kMaxElements),  // not where it is NaN
                      "arange: from {} to {} by {} cannot be counted", start, stop, step);
  Tensor result = empty({count > 0 ? static_cast<int64_t>(count) : 0}, options);
  run_in_place(op::Fill{start, step}, {}, result);
  return result;
}

Tensor randn(const Shape& shape, Rng& rng, const TensorOptions& options) {
  return random(shape, rng, options, true);
}
Tensor randn(const Shape& shape, const TensorOptions& options) {
  Rng rng = reserve_random(static_cast<uint64_t>(shape.numel()));
  return random(shape, rng, options, true);
}
Tensor rand(const Shape& shape, Rng& rng, const TensorOptions& options) {
  return random(shape, rng, options, false);
}
Tensor rand(const Shape& shape, const TensorOptions& options) {
  Rng rng = reserve_random(static_cast<uint64_t>(shape.numel()));
  return random(shape, rng, options, false);
}

template <class T>
Tensor from_values(const std::vector<T>& values, const Shape& shape) {
  require<ShapeError>(static_cast<int64_t>(values.size()) == shape.numel(),
                      "from_values: {} values for a tensor of shape {}", values.size(), shape);
  Tensor result = empty(shape, {dtype_of<T>});
  std::copy(values.begin(), values.end(), static_cast<T*>(result.raw()));
  return result;
}
template Tensor from_values(const std::vector<float>&, const Shape&);
template Tensor from_values(const std::vector<double>&, const Shape&);
template Tensor from_values(const std::vector<int8_t>&, const Shape&);
template Tensor from_values(const std::vector<uint8_t>&, const Shape&);
template Tensor from_values(const std::vector<int32_t>&, const Shape&);
template Tensor from_values(const std::vector<int16_t>&, const Shape&);
template Tensor from_values(const std::vector<int64_t>&, const Shape&);
template Tensor from_values(const std::vector<bool>&, const Shape&);

}  // namespace tuco
