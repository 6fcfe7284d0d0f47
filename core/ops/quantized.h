// Ops on int8 tensors in TFLite's arithmetic, bit for bit that of the reference interpreter: what a
// quantized graph becomes on a host (deploy/engine). real = scale * (q - zero point); the scales
// themselves are gone into the multipliers. Graph files do not hold these ops.
#pragma once
#include <string_view>

#include "tuco/core/ops/conv2d.h"
#include "tuco/core/ops/pool2d.h"
#include "tuco/core/ops/reduce.h"
#include "tuco/core/pointwise.h"
#include "tuco/core/quantization.h"

namespace tuco::op {

/// How int32 sums become int8: scaled in a rounding, moved by the zero point, clamped.
struct Requantize {
  int32_t zero_point = 0;
  /// The range that an activation leaves.
  int32_t low = -128, high = 127;
  Rounding rounding = Rounding::kDouble;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("zero_point", self.zero_point);
    visit("low", self.low);
    visit("high", self.high);
    visit("rounding", self.rounding);
  }
};

/// Inputs: images int8 (n, h, w, in), weight int8 (out, kh, kw, in / groups), bias int32 (out,),
/// multipliers int32 (out, 2): value and shift of a Multiplier for each channel. Output: int8
/// (n, oh, ow, out). Padding stands for real zeros. Sums must fit 32 bits for all inputs. Weight,
/// bias and multipliers can be packed once by Backend::prepare.
struct QConv2d {
  static constexpr std::string_view name = "qconv2d";
  Conv2d conv;
  int32_t in_zero_point = 0;
  Requantize out;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    Conv2d::fields(self.conv, visit);
    visit("in_zero_point", self.in_zero_point);
    Requantize::fields(self.out, visit);
  }
};

/// Inputs: x int8 (..., in), weight int8 (out, in), bias int32 (out,), multipliers int32 (out, 2).
/// Output: int8 (..., out). As QConv2d in everything else.
struct QLinear {
  static constexpr std::string_view name = "qlinear";
  int32_t in_zero_point = 0;
  Requantize out;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("in_zero_point", self.in_zero_point);
    Requantize::fields(self.out, visit);
  }
};

/// Inputs: a and b int8, which broadcast. Each is moved by its zero point, shifted left by 20 and
/// scaled; the sum is scaled again.
struct QAdd {
  static constexpr std::string_view name = "qadd";
  int32_t a_zero_point = 0, b_zero_point = 0;
  Multiplier a, b, sum;
  Requantize out;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("a_zero_point", self.a_zero_point);
    visit("b_zero_point", self.b_zero_point);
    visit("a", self.a);
    visit("b", self.b);
    visit("sum", self.sum);
    Requantize::fields(self.out, visit);
  }
};

/// As QAdd, but b's scaled number is taken from a's.
struct QSub : QAdd {
  static constexpr std::string_view name = "qsub";
};

/// Inputs: a and b int8, which broadcast. The product of both, moved by their zero points, is
/// scaled.
struct QMul {
  static constexpr std::string_view name = "qmul";
  int32_t a_zero_point = 0, b_zero_point = 0;
  Multiplier product;
  Requantize out;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("a_zero_point", self.a_zero_point);
    visit("b_zero_point", self.b_zero_point);
    visit("product", self.product);
    Requantize::fields(self.out, visit);
  }
};

/// Inputs: a and b int8, which broadcast. From its zero point on, a is scaled by `above`; below,
/// its product with b, both moved by their zero points, is scaled by `below`.
struct QPRelu {
  static constexpr std::string_view name = "qprelu";
  int32_t a_zero_point = 0, b_zero_point = 0;
  Multiplier above, below;
  Requantize out;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("a_zero_point", self.a_zero_point);
    visit("b_zero_point", self.b_zero_point);
    visit("above", self.above);
    visit("below", self.below);
    Requantize::fields(self.out, visit);
  }
};

/// A QConv2d, and a QAdd of its result, which is a, and b. Inputs: those of the QConv2d, then b, of
/// the output's shape, which must not be the output's memory.
struct QConv2dAdd {
  static constexpr std::string_view name = "qconv2d_add";
  QConv2d conv;
  QAdd add;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    QConv2d::fields(self.conv, visit);
    QAdd::fields(self.add, visit);
  }
};

/// The mean of int8 over neighbouring dimensions, whose count is part of the multiplier; the sum,
/// if it is not.
struct QMean : ReduceDims {
  static constexpr std::string_view name = "qmean";
  int32_t in_zero_point = 0;
  Multiplier multiplier;
  Requantize out;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    ReduceDims::fields(self, visit);
    visit("in_zero_point", self.in_zero_point);
    visit("multiplier", self.multiplier);
    Requantize::fields(self.out, visit);
  }
};

/// Max pooling of int8 images, clamped to [low, high]; the scale stays.
struct QMaxPool2d {
  static constexpr std::string_view name = "qmax_pool2d";
  PoolWindow window;
  int32_t low = -128, high = 127;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    PoolWindow::fields(self.window, visit);
    visit("low", self.low);
    visit("high", self.high);
  }
};

/// Average pooling of int8 images, to the nearest, ties away from zero, clamped to [low, high]; the
/// scale stays. Padding that counts is `zero_point`.
struct QAvgPool2d {
  static constexpr std::string_view name = "qavg_pool2d";
  PoolWindow window;
  int32_t zero_point = 0;
  int32_t low = -128, high = 127;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    PoolWindow::fields(self.window, visit);
    visit("zero_point", self.zero_point);
    visit("low", self.low);
    visit("high", self.high);
  }
};

/// Inputs: x int8, table int8 (256,). Output: table[x + 128]: every point-wise function of int8.
struct QLookup : NoFields {
  static constexpr std::string_view name = "qlookup";
};

/// Inputs: x int8 (..., depth), table int32 (256,): table[d] is exp of a difference of d to the
/// row's largest value, in fixed point without integer bits. Output: the shares of the exponentials
/// over the last dimension, at a scale of 1/256 and the zero point -128.
struct QSoftmax : NoFields {
  static constexpr std::string_view name = "qsoftmax";
};

/// Lstm (core/ops/lstm.h) of int8 with gates and cells of int16. Inputs: x int8 (n, t, c), hidden
/// int8 and cell int16 (n or 1, u), weights int8 (u, 4 * (c + u), both filled up to multiples of
/// 4), biases int32 (u, 8) and numbers int32 (1, 31), these as deploy/runtime/lstm.h has them.
/// Outputs: y int8 (n, t, u), hidden and cell (n, u), which may be the inputs' memory; any may be
/// undefined.
struct QLstm : NoFields {
  static constexpr std::string_view name = "qlstm";
};

/// float32 to the nearest int8, ties away from zero: x / scale + zero_point, saturated; NaN gives
/// -128.
struct QuantizeLinear {
  static constexpr std::string_view name = "quantize_linear";
  float scale = 1;
  int32_t zero_point = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("scale", self.scale);
    visit("zero_point", self.zero_point);
  }
};

/// int8 to float32: scale * (q - zero_point).
struct DequantizeLinear : QuantizeLinear {
  static constexpr std::string_view name = "dequantize_linear";
};

/// The ops above.
using QuantizedList =
    TypeList<QConv2d, QConv2dAdd, QLinear, QAdd, QSub, QMul, QPRelu, QMean, QMaxPool2d, QAvgPool2d,
             QLookup, QSoftmax, QLstm, QuantizeLinear, DequantizeLinear>;

}  // namespace tuco::op
