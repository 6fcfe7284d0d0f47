#include "tuco/autograd/functions.h"
#include "tuco/autograd/rules.h"
#include "tuco/autograd/run_op.h"
#include "tuco/core/error.h"

namespace tuco {

OutputMetas infer(const op::Where& op, Metas in) {
  require_inputs(op.name, in.size(), 3, 3);
  require<DTypeError>(in[0].dtype == DType::bool_, "where: condition is {}, expected {}",
                      in[0].dtype, DType::bool_);
  require_alike(op.name, in.subspan(1));
  require<DeviceError>(in[0].device == in[1].device, "where: devices {} and {} differ",
                       in[0].device, in[1].device);
  const Shape values = broadcast(op.name, in[1].shape, in[2].shape);
  return {{broadcast(op.name, in[0].shape, values), in[1].dtype, in[1].device}};
}
Outputs forward(const op::Where& op, Inputs in, Saved* saved) {
  if (saved) {
    saved->keep(in[0]);
    saved->keep(in[1].shape());
    saved->keep(in[2].shape());
  }
  return compute(op, in);
}
Grads backward(const op::Where& op, Saved&& saved, Grads g, const Needs& needs) {
  const Tensor condition = saved.take(op.name, 0);
  const Tensor zero = zeros({}, {g[0].dtype(), g[0].device()});
  return {{},
          needs[1] ? sum_to(where(condition, g[0], zero), saved.shape(0)) : Tensor(),
          needs[2] ? sum_to(where(condition, zero, g[0]), saved.shape(1)) : Tensor()};
}

OutputMetas infer(const op::Cast& op, Metas in) {
  require_inputs(op.name, in.size(), 1, 1);
  return {{in[0].shape, op.dtype, in[0].device}};
}
Outputs forward(const op::Cast& op, Inputs in, Saved* saved) {
  // The gradient needs the input's type alone, which an empty tensor carries.
  if (saved) saved->keep(empty({0}, {in[0].dtype(), in[0].device()}));
  return compute(op, in);
}
Grads backward(const op::Cast& op, Saved&& saved, Grads g, const Needs&) {
  return {g[0].to(saved.take(op.name, 0).dtype())};
}

OutputMetas infer(const op::Copy& op, Metas in) {
  require_inputs(op.name, in.size(), 1, 1);
  return {in[0]};
}
Grads backward(const op::Copy&, Saved&&, Grads g, const Needs&) { return {g[0]}; }

OutputMetas infer(const op::ToDevice& op, Metas in) {
  require_inputs(op.name, in.size(), 1, 1);
  return {{in[0].shape, in[0].dtype, op.device}};
}
Outputs forward(const op::ToDevice& op, Inputs in, Saved* saved) {
  if (saved) saved->keep(empty({0}, {in[0].dtype(), in[0].device()}));
  Tensor source = dense(in[0]);
  Tensor result = empty({source.shape(), source.dtype(), op.device});
  const size_t bytes = source.numel() * size_of(source.dtype());
  const auto on_cpu = [](const Tensor& tensor) { return tensor.device() == Device::cpu(); };
  if (!on_cpu(source)) {
    // From one device to another the way leads over the host.
    const Tensor host = on_cpu(result) ? result : empty({source.shape(), source.dtype()});
    backend(source.device()).copy_to_host(host.raw(), source.raw(), bytes);
    if (on_cpu(result)) return {result};
    source = host;
  }
  backend(op.device).copy_from_host(result.raw(), source.raw(), bytes);
  return {result};
}
Grads backward(const op::ToDevice& op, Saved&& saved, Grads g, const Needs&) {
  return {g[0].to(saved.take(op.name, 0).device())};
}

OutputMetas infer(const op::Concat& op, Metas in) {
  require_inputs(op.name, in.size(), 1, std::numeric_limits<size_t>::max());
  require_alike(op.name, in);
  TensorMeta result = in[0];
  require<ShapeError>(op.dim >= 0 && op.dim < result.shape.rank(), "concat: dimension {} of {}",
                      op.dim, result.shape);
  result.shape[op.dim] = 0;
  for (const TensorMeta& part : in) {
    Shape rest = part.shape;
    if (rest.rank() == result.shape.rank()) rest[op.dim] = result.shape[op.dim];
    require<ShapeError>(rest == result.shape, "concat: shapes {} and {} differ beside dimension {}",
                        in[0].shape, part.shape, op.dim);
    result.shape[op.dim] += part.shape[op.dim];
  }
  return {result};
}
Outputs forward(const op::Concat& op, Inputs in, Saved* saved) {
  if (saved)
    for (const Tensor& part : in) saved->keep(part.shape());
  return compute(op, in);
}
Grads backward(const op::Concat& op, Saved&& saved, Grads g, const Needs& needs) {
  Grads parts(needs.size());
  int64_t start = 0;
  for (size_t i = 0; i < needs.size(); ++i) {
    const int64_t stop = start + saved.shape(static_cast<int>(i))[op.dim];
    if (needs[i]) parts[i] = slice(g[0], op.dim, start, stop);
    start = stop;
  }
  return parts;
}

OutputMetas infer(const op::Pad& op, Metas in) {
  require_inputs(op.name, in.size(), 1, 1);
  TensorMeta result = in[0];
  const int rank = result.shape.rank();
  require<ShapeError>(op.before.rank() == rank && op.after.rank() == rank,
                      "pad: before {} and after {} for a tensor of shape {}", op.before, op.after,
                      in[0].shape);
  for (int d = 0; d < rank; ++d) {
    require<ShapeError>(op.before[d] >= 0 && op.after[d] >= 0, "pad: negative amount in {} or {}",
                        op.before, op.after);
    require<ShapeError>(op.before[d] <= kMaxElements && op.after[d] <= kMaxElements,
                        "pad: too many elements in {} or {}", op.before, op.after);
    result.shape[d] += op.before[d] + op.after[d];
  }
  return {result};
}
Outputs forward(const op::Pad& op, Inputs in, Saved* saved) {
  if (saved) saved->keep(in[0].shape());
  return compute(op, in);
}
Grads backward(const op::Pad& op, Saved&& saved, Grads g, const Needs&) {
  Tensor middle = g[0];
  for (int d = 0; d < middle.rank(); ++d)
    middle = slice(middle, d, op.before[d], op.before[d] + saved.shape(0)[d]);
  return {middle};
}

OutputMetas infer(const op::Gather& op, Metas in) {
  require_inputs(op.name, in.size(), 2, 2);
  require<DTypeError>(in[1].dtype == DType::int64, "gather: index is {}, expected {}", in[1].dtype,
                      DType::int64);
  require<DeviceError>(in[1].device == in[0].device, "gather: devices {} and {} differ",
                       in[0].device, in[1].device);
  require<ShapeError>(op.dim >= 0 && op.dim < in[0].shape.rank(), "gather: dimension {} of {}",
                      op.dim, in[0].shape);
  Shape expected = in[1].shape;
  if (expected.rank() == in[0].shape.rank()) expected[op.dim] = in[0].shape[op.dim];
  require<ShapeError>(expected == in[0].shape,
                      "gather: index {} does not match {} beside dimension {}", in[1].shape,
                      in[0].shape, op.dim);
  return {{in[1].shape, in[0].dtype, in[0].device}};
}
Outputs forward(const op::Gather& op, Inputs in, Saved* saved) {
  if (saved) {
    saved->keep(in[1]);
    saved->keep(in[0].shape());
  }
  return compute(op, in);
}
Grads backward(const op::Gather& op, Saved&& saved, Grads g, const Needs&) {
  const Tensor inputs[] = {g[0], saved.take(op.name, 0)};
  return {compute(op::GatherGrad{op.dim, saved.shape(0)[op.dim]}, inputs)[0], {}};
}
OutputMetas infer(const op::GatherGrad& op, Metas in) {
  TensorMeta result = in[0];
  result.shape[op.dim] = op.size;
  return {result};
}

}  // namespace tuco
