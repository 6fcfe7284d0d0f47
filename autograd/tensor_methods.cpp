// The methods of Tensor that need the tape or run ops.
#include "tuco/autograd/functions.h"
#include "tuco/autograd/grad_mode.h"
#include "tuco/autograd/run_op.h"
#include "tuco/autograd/tape.h"
#include "tuco/core/error.h"

namespace tuco {
namespace {

/// `source`, or a copy of it where a change of `target` would change values still to be read.
Tensor apart_from(const Tensor& target, const Tensor& source) {
  const Layout &a = target.layout(), &b = source.layout();
  const bool same_places = a.offset == b.offset && a.shape == b.shape && a.strides == b.strides;
  return source.storage() != target.storage() || same_places ? source : source.clone();
}

/// Every method ending in _ passes here.
void change_in_place(const char* method, const Tensor& tensor, const op::Any& op, Inputs inputs) {
  require<Error>(!(grad_enabled() && tensor.requires_grad()),
                 "{}: the tensor needs a gradient, and changes in place are not recorded; hold a "
                 "NoGrad",
                 method);
  require<Error>(current_tracer() == nullptr, "{}: a tensor was changed in place while tracing",
                 method);
  for (int d = 0; d < tensor.rank(); ++d)
    require<Error>(tensor.strides()[d] != 0 || tensor.shape()[d] == 1 || tensor.numel() == 0,
                   "{}: several elements of the tensor share a place (shape {}, strides {}); clone "
                   "it first",
                   method, tensor.shape(), tensor.strides());
  Tensor output = tensor;
  run_in_place(op, inputs, {&output, 1});
}

}  // namespace

bool Tensor::requires_grad() const { return defined() && impl_->grad_state != nullptr; }

Tensor& Tensor::requires_grad_(bool on) {
  require<DTypeError>(!on || is_floating(dtype()), "requires_grad_: the tensor is {}", dtype());
  require<Error>(!grad_state() || grad_state()->leaf,
                 "requires_grad_: the tensor is the result of recorded operations");
  if (on && !grad_state())
    set_grad_state(std::make_shared<GradState>(GradState{true, {}, meta(), nullptr, 0}));
  else if (!on)
    set_grad_state(nullptr);
  return *this;
}

Tensor Tensor::grad() const { return grad_state() ? grad_state()->grad : Tensor(); }

void Tensor::set_grad(const Tensor& gradient) {
  require<Error>(grad_state() && grad_state()->leaf, "set_grad: the tensor is not a leaf");
  require<ShapeError>(!gradient.defined() || gradient.shape() == shape(),
                      "set_grad: gradient {} for a tensor of shape {}",
                      gradient.defined() ? gradient.shape() : Shape(), shape());
  require<DTypeError>(!gradient.defined() || gradient.dtype() == dtype(),
                      "set_grad: gradient is {}, the tensor {}",
                      gradient.defined() ? gradient.dtype() : dtype(), dtype());
  require<DeviceError>(!gradient.defined() || gradient.device() == device(),
                       "set_grad: gradient on {}, the tensor on {}",
                       gradient.defined() ? gradient.device() : device(), device());
  grad_state()->grad = gradient.defined() ? gradient.detach() : gradient;
}

Tensor& Tensor::copy_(const Tensor& source) {
  require<ShapeError>(broadcasts_to(source.shape(), shape()),
                      "copy_: shape {} does not broadcast to {}", source.shape(), shape());
  Tensor from = source.detach();
  {
    NoGrad quiet;
    from = apart_from(*this, expand(from.to(device()).to(dtype()), shape()));
  }
  change_in_place("copy_", *this, op::Copy{}, {&from, 1});
  return *this;
}

Tensor& Tensor::fill_(double value) {
  change_in_place("fill_", *this, op::Fill{value, 0}, {});
  return *this;
}

Tensor& Tensor::add_(const Tensor& other, double alpha) {
  require<ShapeError>(other.shape() == shape(), "add_: shapes {} and {} differ", shape(),
                      other.shape());
  require<DTypeError>(other.dtype() == dtype(), "add_: types {} and {} differ", dtype(),
                      other.dtype());
  require<DeviceError>(other.device() == device(), "add_: devices {} and {} differ", device(),
                       other.device());
  const Tensor addend = apart_from(*this, other);
  change_in_place("add_", *this, op::Accumulate{alpha, 1}, {&addend, 1});
  return *this;
}

Tensor& Tensor::mul_(double factor) {
  change_in_place("mul_", *this, op::Affine{factor, 0}, {this, 1});
  return *this;
}

Tensor Tensor::to(Device target) const {
  return target == device() ? *this : run_op1(op::ToDevice{target}, {*this});
}

Tensor Tensor::to(DType target) const {
  return target == dtype() ? *this : run_op1(op::Cast{target}, {*this});
}

}  // namespace tuco
