// The ops on int8: attributes and tensors as the kernels want them.
#include "tuco/core/ops/quantized.h"

#include "tuco/core/error.h"
#include "tuco/devices/cuda/kernels.h"
#include "tuco/devices/cuda/quantized_kernels.h"
#include "tuco/devices/cuda/walk.h"

namespace tuco::cuda {
namespace {

QOutput output_of(const op::Requantize& out) {
  return {out.zero_point, out.low, out.high, static_cast<int32_t>(out.rounding)};
}

tuco_addition addition_of(const op::QAdd& op) {
  return {op.a_zero_point, op.a.value, op.a.shift,        op.b_zero_point,
          op.b.value,      op.b.shift, op.out.zero_point, op.sum.value,
          op.sum.shift,    op.out.low, op.out.high,       static_cast<int32_t>(op.out.rounding)};
}

QConvolution convolution_of(const op::QConv2d& op, Inputs in) {
  const WindowGeometry g = geometry(op.conv, in[0].shape(), in[1].shape());
  return {pool_sizes(g), g.out_c, g.groups, op.in_zero_point, output_of(op.out)};
}

/// inputs[1..3] are weight, bias and multipliers.
void convolve(const QConvolution& conv, Inputs in, const QAddend& addend, Out out, Call& call) {
  qconvolve(conv, ptr<int8_t>(in[0]), ptr<int8_t>(in[1]), ptr<int32_t>(in[2]), ptr<int32_t>(in[3]),
            addend, ptr<int8_t>(out[0]), call.stream);
}

/// Calls kernel(operands, a, b, y) for operands that broadcast; in pieces where there are too many
/// elements for one.
template <class Kernel>
void for_operands(Inputs in, Out out, const Kernel& kernel) {
  const Shape& shape = out[0].shape();
  for_each_walk<3>({in[0].layout().expand(shape), in[1].layout().expand(shape), out[0].layout()},
                   [&](const QOperands& operands, const std::array<int64_t, 3>& starts) {
                     kernel(operands, base<int8_t>(in[0]) + starts[0],
                            base<int8_t>(in[1]) + starts[1], base<int8_t>(out[0]) + starts[2]);
                   });
}

void add(const op::QAdd& op, bool subtract, Inputs in, Out out, Call& call) {
  for_operands(in, out,
               [&](const QOperands& operands, const int8_t* a, const int8_t* b, int8_t* y) {
                 qadd(operands, subtract, addition_of(op), a, b, y, call.stream);
               });
}

}  // namespace

void run(const op::QConv2d& op, Inputs in, Out out, Call& call) {
  convolve(convolution_of(op, in), in, {}, out, call);
}

void run(const op::QConv2dAdd& op, Inputs in, Out out, Call& call) {
  convolve(convolution_of(op.conv, in), in, {ptr<int8_t>(in[4]), addition_of(op.add)}, out, call);
}

void run(const op::QLinear& op, Inputs in, Out out, Call& call) {
  const int64_t outputs = in[1].dim(0), rows = outputs ? out[0].numel() / outputs : 0;
  // An image of one column.
  const PoolAxis down{rows, rows, 1, 1, 1, 0, 0}, across{1, 1, 1, 1, 1, 0, 0};
  convolve({{1, in[1].dim(1), down, across}, outputs, 1, op.in_zero_point, output_of(op.out)}, in,
           {}, out, call);
}

void run(const op::QAdd& op, Inputs in, Out out, Call& call) { add(op, false, in, out, call); }
void run(const op::QSub& op, Inputs in, Out out, Call& call) { add(op, true, in, out, call); }

void run(const op::QMul& op, Inputs in, Out out, Call& call) {
  const QOutput to = output_of(op.out);
  const tuco_multiplication p{op.a_zero_point,  op.b_zero_point, to.zero_point, op.product.value,
                              op.product.shift, to.low,          to.high,       to.rounding};
  for_operands(in, out,
               [&](const QOperands& operands, const int8_t* a, const int8_t* b, int8_t* y) {
                 qmultiply(operands, p, a, b, y, call.stream);
               });
}

void run(const op::QPRelu& op, Inputs in, Out out, Call& call) {
  const QOutput to = output_of(op.out);
  const tuco_rectification p{op.a_zero_point, op.b_zero_point, to.zero_point,  op.above.value,
                             op.above.shift,  op.below.value,  op.below.shift, to.rounding};
  for_operands(in, out,
               [&](const QOperands& operands, const int8_t* a, const int8_t* b, int8_t* y) {
                 qrectify(operands, p, to.low, to.high, a, b, y, call.stream);
               });
}

void run(const op::QMean& op, Inputs in, Out out, Call& call) {
  QMeanSizes sizes;
  const Shape& shape = in[0].shape();
  for (int i = 0; i < shape.rank(); ++i)
    (i < op.dims[0]                     ? sizes.outer
     : i <= op.dims[op.dims.rank() - 1] ? sizes.reduced
                                        : sizes.inner) *= shape[i];
  qmean(sizes, op.in_zero_point, op.multiplier.value, op.multiplier.shift, output_of(op.out),
        ptr<int8_t>(in[0]), ptr<int8_t>(out[0]), call.stream);
}

void run(const op::QMaxPool2d& op, Inputs in, Out out, Call& call) {
  qmax_pool(pool_sizes(geometry(op.name, op.window, in[0].shape())), op.low, op.high,
            ptr<int8_t>(in[0]), ptr<int8_t>(out[0]), call.stream);
}

void run(const op::QAvgPool2d& op, Inputs in, Out out, Call& call) {
  qaverage_pool(pool_sizes(geometry(op.name, op.window, in[0].shape())),
                op.window.count_include_pad, op.zero_point, op.low, op.high, ptr<int8_t>(in[0]),
                ptr<int8_t>(out[0]), call.stream);
}

void run(const op::QLookup&, Inputs in, Out out, Call& call) {
  qlookup(out[0].numel(), ptr<int8_t>(in[0]), ptr<int8_t>(in[1]), ptr<int8_t>(out[0]), call.stream);
}

void run(const op::QSoftmax&, Inputs in, Out out, Call& call) {
  const int64_t depth = out[0].shape().back();
  qsoftmax(depth ? out[0].numel() / depth : 0, depth, ptr<int8_t>(in[0]), ptr<int32_t>(in[1]),
           ptr<int8_t>(out[0]), call.stream);
}

void run(const op::QLstm&, Inputs in, Out out, Call& call) {
  const Shape& x = in[0].shape();
  const int64_t units = in[3].dim(0);
  require<ShapeError>(in[5].numel() * sizeof(int32_t) == sizeof(tuco_lstm_numbers),
                      "qlstm: {} numbers, expected {}", in[5].numel(),
                      sizeof(tuco_lstm_numbers) / sizeof(int32_t));
  require<UnsupportedOp>(
      x[2] + 2 * units <= kQLstmRoom,
      "qlstm: {} inputs and {} units; a GPU has room for {}, units counted twice", x[2], units,
      kQLstmRoom);
  const auto optional = [&]<class T>(size_t i) {
    return out[i].defined() ? ptr<T>(out[i]) : nullptr;
  };
  int16_t* cell = optional.operator()<int16_t>(2);
  // Nobody may read a result, but the cells are needed.
  if (!cell) cell = call.scratch<int16_t>(x[0] * units, in[0].device());
  qlstm({.sequences = x[0],
         .steps = static_cast<int32_t>(x[1]),
         .inputs = static_cast<int32_t>(x[2]),
         .units = static_cast<int32_t>(units),
         .shared_hidden = in[1].dim(0) == 1,
         .shared_cell = in[2].dim(0) == 1,
         .x = ptr<int8_t>(in[0]),
         .first_hidden = ptr<int8_t>(in[1]),
         .first_cell = ptr<int16_t>(in[2]),
         .weights = ptr<int8_t>(in[3]),
         .bias = ptr<int32_t>(in[4]),
         .numbers = ptr<int32_t>(in[5]),
         .y = optional.operator()<int8_t>(0),
         .hidden = optional.operator()<int8_t>(1),
         .cell = cell},
        call.stream);
}

void run(const op::QuantizeLinear& op, Inputs in, Out out, Call& call) {
  quantize_linear(out[0].numel(), op.scale, op.zero_point, ptr<float>(in[0]), ptr<int8_t>(out[0]),
                  call.stream);
}

void run(const op::DequantizeLinear& op, Inputs in, Out out, Call& call) {
  dequantize_linear(out[0].numel(), op.scale, op.zero_point, ptr<int8_t>(in[0]), ptr<float>(out[0]),
                    call.stream);
}

}  // namespace tuco::cuda
