// Shapes and types of the int8 ops. Their numbers are checked here as well, as far as they are
// attributes: kernels rely on them.
#include "tuco/core/ops/quantized.h"

#include "tuco/autograd/rules.h"
#include "tuco/core/error.h"

namespace tuco {
namespace {

void require_type(std::string_view op, Metas in, size_t i, DType dtype) {
  require<DTypeError>(in[i].dtype == dtype, "{}: input {} is {}, expected {}", op, i, in[i].dtype,
                      dtype);
  require<DeviceError>(in[i].device == in[0].device, "{}: devices {} and {} differ", op,
                       in[0].device, in[i].device);
}

void require_int8(std::string_view op, int64_t value) {
  require<Error>(value >= -128 && value <= 127, "{}: {} is not an int8", op, value);
}

void require_sane(std::string_view op, const op::Requantize& out) {
  for (const int32_t value : {out.zero_point, out.low, out.high}) require_int8(op, value);
  require<Error>(out.low <= out.high, "{}: activation from {} to {}", op, out.low, out.high);
}

void require_sane(std::string_view op, const Multiplier& m) {
  require<Error>(m.value >= 0 && m.shift >= -31 && m.shift <= 30,
                 "{}: no multiplier: value {}, shift {}", op, m.value, m.shift);
}

/// Weight of `channels` rows, bias and multipliers of a product.
template <class Op>
void require_product(const Op& op, Metas in) {
  require_inputs(Op::name, in.size(), 4, 4);
  for (const size_t i : {0, 1}) require_type(Op::name, in, i, DType::int8);
  for (const size_t i : {2, 3}) require_type(Op::name, in, i, DType::int32);
  require_int8(Op::name, op.in_zero_point);
  require_sane(Op::name, op.out);
  require<ShapeError>(in[1].shape.rank() > 0, "{}: the weight is a scalar", Op::name);
  const int64_t channels = in[1].shape[0];
  require<ShapeError>(in[2].shape == Shape({channels}) && in[3].shape == Shape({channels, 2}),
                      "{}: bias {} and multipliers {} for weight {}", Op::name, in[2].shape,
                      in[3].shape, in[1].shape);
}

/// x and a table of 256 entries.
template <class Op>
OutputMetas infer_table(const Op&, Metas in, DType entries) {
  require_inputs(Op::name, in.size(), 2, 2);
  require_type(Op::name, in, 0, DType::int8);
  require_type(Op::name, in, 1, entries);
  require<ShapeError>(in[1].shape == Shape({256}), "{}: table {}, expected (256)", Op::name,
                      in[1].shape);
  return {in[0]};
}

OutputMetas infer_pool(std::string_view op, const op::PoolWindow& window, Metas in) {
  require_inputs(op, in.size(), 1, 1);
  require_type(op, in, 0, DType::int8);
  const WindowGeometry g = geometry(op, window, in[0].shape);
  return {{{g.batch, g.out_h, g.out_w, g.out_c}, DType::int8, in[0].device}};
}

/// Two operands, which broadcast, and their zero points.
template <class Op>
OutputMetas infer_operands(const Op& op, Metas in) {
  require_inputs(Op::name, in.size(), 2, 2);
  for (const size_t i : {0, 1}) require_type(Op::name, in, i, DType::int8);
  for (const int32_t value : {op.a_zero_point, op.b_zero_point}) require_int8(Op::name, value);
  require_sane(Op::name, op.out);
  return {{broadcast(Op::name, in[0].shape, in[1].shape), DType::int8, in[0].device}};
}

template <class Op>
OutputMetas infer_sum(const Op& op, Metas in) {
  OutputMetas out = infer_operands(op, in);
  for (const Multiplier& m : {op.a, op.b, op.sum}) require_sane(Op::name, m);
  require<Error>(op.a.shift <= 0 && op.b.shift <= 0, "{}: inputs are scaled by at most 1/2",
                 Op::name);
  return out;
}

OutputMetas infer_boundary(std::string_view name, const op::QuantizeLinear& op, Metas in,
                           DType from, DType to) {
  require_inputs(name, in.size(), 1, 1);
  require_type(name, in, 0, from);
  require_int8(name, op.zero_point);
  require<Error>(std::isfinite(op.scale) && op.scale > 0, "{}: scale {}", name, op.scale);
  return {{in[0].shape, to, in[0].device}};
}

}  // namespace

OutputMetas infer(const op::QConv2d& op, Metas in) {
  require_product(op, in);
  const WindowGeometry g = geometry(op.conv, in[0].shape, in[1].shape);
  return {{{g.batch, g.out_h, g.out_w, g.out_c}, DType::int8, in[0].device}};
}

OutputMetas infer(const op::QLinear& op, Metas in) {
  require_product(op, in);
  const Shape &x = in[0].shape, &weight = in[1].shape;
  require<ShapeError>(x.rank() > 0 && weight.rank() == 2 && x.back() == weight[1],
                      "qlinear: input {}, weight {}", x, weight);
  Shape shape = x;
  shape[shape.rank() - 1] = weight[0];
  return {{shape, DType::int8, in[0].device}};
}

OutputMetas infer(const op::QAdd& op, Metas in) { return infer_sum(op, in); }
OutputMetas infer(const op::QSub& op, Metas in) { return infer_sum(op, in); }
OutputMetas infer(const op::QMul& op, Metas in) {
  OutputMetas out = infer_operands(op, in);
  require_sane(op.name, op.product);
  return out;
}

OutputMetas infer(const op::QPRelu& op, Metas in) {
  OutputMetas out = infer_operands(op, in);
  for (const Multiplier& m : {op.above, op.below}) require_sane(op.name, m);
  return out;
}

OutputMetas infer(const op::QConv2dAdd& op, Metas in) {
  require_inputs(op.name, in.size(), 5, 5);
  const OutputMetas result = infer(op.conv, in.first(4));
  require<Error>(op.add.a_zero_point == op.conv.out.zero_point,
                 "{}: the convolution's zero point is {}, the addition takes it for {}", op.name,
                 op.conv.out.zero_point, op.add.a_zero_point);
  require<ShapeError>(in[4].shape == result[0].shape, "{}: shapes {} and {} differ", op.name,
                      result[0].shape, in[4].shape);
  return infer(op.add, std::array{result[0], in[4]});
}

OutputMetas infer(const op::QMean& op, Metas in) {
  require_inputs(op.name, in.size(), 1, 1);
  require_type(op.name, in, 0, DType::int8);
  require_int8(op.name, op.in_zero_point);
  require_sane(op.name, op.multiplier);
  require_sane(op.name, op.out);
  TensorMeta floating = in[0];
  floating.dtype = DType::float32;
  const int count = op.dims.rank();
  OutputMetas out = infer(op::Mean{{op.dims, op.keep}}, std::span<const TensorMeta>(&floating, 1));
  require<ShapeError>(count > 0 && op.dims[count - 1] - op.dims[0] == count - 1,
                      "qmean: dimensions {} are not neighbours", op.dims);
  out[0].dtype = DType::int8;
  return out;
}

OutputMetas infer(const op::QMaxPool2d& op, Metas in) { return infer_pool(op.name, op.window, in); }
OutputMetas infer(const op::QAvgPool2d& op, Metas in) {
  require_int8(op.name, op.zero_point);
  return infer_pool(op.name, op.window, in);
}

OutputMetas infer(const op::QLookup& op, Metas in) { return infer_table(op, in, DType::int8); }
OutputMetas infer(const op::QSoftmax& op, Metas in) {
  const OutputMetas out = infer_table(op, in, DType::int32);
  require<ShapeError>(in[0].shape.rank() > 0, "qsoftmax: of a scalar");
  return out;
}

OutputMetas infer(const op::QLstm& op, Metas in) {
  require_inputs(op.name, in.size(), 6, 6);
  constexpr DType kTypes[] = {DType::int8, DType::int8,  DType::int16,
                              DType::int8, DType::int32, DType::int32};
  for (int i = 0; i < 6; ++i) require_type(op.name, in, i, kTypes[i]);
  const Shape &x = in[0].shape, &weights = in[3].shape;
  require<ShapeError>(x.rank() == 3 && weights.rank() == 2 && in[1].shape.rank() == 2,
                      "qlstm: x {}, hidden {}, weights {}", x, in[1].shape, weights);
  const auto padded = [](int64_t size) { return (size + 3) / 4 * 4; };
  const int64_t units = weights[0];
  require<ShapeError>(
      weights[1] == 4 * (padded(x[2]) + padded(units)) && in[4].shape == Shape({units, 8}),
      "qlstm: weights {} and biases {} for inputs of {}", weights, in[4].shape, x[2]);
  for (const int i : {1, 2})
    require<ShapeError>(in[i].shape == Shape({1, units}) || in[i].shape == Shape({x[0], units}),
                        "qlstm: states {}, expected ({}, {})", in[i].shape, x[0], units);
  const Shape state{x[0], units};
  const Device device = in[0].device;
  return {{{x[0], x[1], units}, DType::int8, device},
          {state, DType::int8, device},
          {state, DType::int16, device}};
}

OutputMetas infer(const op::QuantizeLinear& op, Metas in) {
  return infer_boundary(op.name, op, in, DType::float32, DType::int8);
}
OutputMetas infer(const op::DequantizeLinear& op, Metas in) {
  return infer_boundary(op.name, op, in, DType::int8, DType::float32);
}

}  // namespace tuco
