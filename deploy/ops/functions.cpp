// Functions of one number, all of them tables. TFLite computes ELU, EXP and LOG in float32, once
// for each integer, and so are those here that it has no int8 operator for; ABS and RSQRT have
// integer arithmetic there; and what its multiplication and addition compute is theirs (chain.h).
#include <bit>
#include <cmath>

#include "tuco/deploy/interpreter.h"
#include "tuco/deploy/ops/chain.h"
#include "tuco/deploy/ops/lookup.h"
#include "tuco/deploy/reference_arithmetic.h"

namespace tuco::deploy {
namespace {

/// Calls f(integer) for each number of the input; f gives the output's integer, before it is
/// clamped.
template <class F>
void for_each_integer(Inputs in, Tensor& out, F&& f) {
  const int8_t* x = in[0].data<int8_t>();
  int8_t* y = out.data<int8_t>();
  for (int64_t i = 0; i < out.numel(); ++i) {
    const auto q = f(x[i]);
    // NaN is not above the bound.
    y[i] = static_cast<int8_t>(q > -128 ? std::min<decltype(q)>(q, 127) : -128);
  }
}

/// A function of float32, rounded as TFLite fills its tables.
template <class F>
void interpret_real(const QuantizedNode& node, Inputs in, Tensor& out, F&& function) {
  const float inverse_scale = 1 / node.output_scale();
  for_each_integer(in, out, [&](int8_t x) {
    const float real = node.input_scale(0) * static_cast<float>(x - node.input_zero_point(0));
    return std::round(function(real) * inverse_scale) +
           static_cast<float>(node.output_zero_point());
  });
}

template <class Op>
void interpret_chain(const Op& op, const QuantizedNode& node, Inputs in, Tensor& out) {
  const auto chain = chain_of(op, *node.input(0).quantization, *node.output().quantization);
  const Tensor result = interpret({chain.value(), node.rounding}, reshape(in[0], {in[0].numel()}));
  std::copy_n(result.data<int8_t>(), out.numel(), out.data<int8_t>());
}

/// x * 2^n within 32 bits.
int32_t saturating_shift(int32_t x, int n) {
  return static_cast<int32_t>(std::clamp<int64_t>(
      int64_t{x} << n, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()));
}

/// 1 / sqrt(x) for x from 1 to 255 as TFLite computes it: by Newton's method from 1 on, in fixed
/// point with 3 integer bits, for x divided by a power of 4 that leaves it in [1/2, 2).
Multiplier inverse_root(int32_t x) {
  if (x == 1) return {std::numeric_limits<int32_t>::max(), 0};
  constexpr int32_t kOne = 1 << 28, kHalfOfThree = 3 << 27;
  constexpr int32_t kHalfRootOfTwo = 1518500250;  // without integer bits
  const int pairs = (std::countl_zero(static_cast<uint32_t>(x)) - 1) / 2 - 1;
  const int32_t half = rounding_divide_by_power_of_two((x << 2 * pairs) >> 1, 1);
  const auto product = rounding_doubling_high_product;
  int32_t root = kOne;
  for (int i = 0; i < 5; ++i) {
    // Products of numbers with 3 integer bits have 6, and 9.
    const int32_t cube = saturating_shift(product(product(root, root), root), 6);
    root = saturating_shift(product(kHalfOfThree, root) - product(half, cube), 3);
  }
  const int32_t value = product(root, kHalfRootOfTwo);
  const int right = 11 - pairs;
  return right < 0 ? Multiplier{value << -right, 0} : Multiplier{value, -right};
}

/// The factor of 1 / sqrt of an integer to the output.
Multiplier rsqrt_multiplier(const QuantizedNode& node) {
  return quantize_multiplier(rsqrt_factor(node.input_scale(0), node.output_scale()), node.rounding);
}

void interpret_rsqrt(const QuantizedNode& node, Inputs in, Tensor& out) {
  constexpr int kBits = 20;  // of the fraction between both steps
  const Multiplier to_output = rsqrt_multiplier(node);
  for_each_integer(in, out, [&](int8_t q) -> int64_t {
    const int32_t x = q - node.input_zero_point(0);
    // TFLite takes the largest number for 0, and stops below.
    if (x <= 0) return 127;
    const Multiplier root = inverse_root(x);
    const int32_t inverse = scaled(1, {root.value, root.shift + kBits}, node.rounding);
    return int64_t{scaled(inverse, {to_output.value, to_output.shift - kBits}, node.rounding)} +
           node.output_zero_point();
  });
}

}  // namespace

void interpret(const op::Elu&, const QuantizedNode& node, Inputs in, Tensor& out) {
  interpret_real(node, in, out, [](float x) { return x < 0 ? std::exp(x) - 1 : x; });
}
void interpret(const op::Exp&, const QuantizedNode& node, Inputs in, Tensor& out) {
  interpret_real(node, in, out, [](float x) { return std::exp(x); });
}
void interpret(const op::Log&, const QuantizedNode& node, Inputs in, Tensor& out) {
  interpret_real(node, in, out, [](float x) { return std::log(x); });
}
void interpret(const op::Sqrt&, const QuantizedNode& node, Inputs in, Tensor& out) {
  interpret_real(node, in, out, [](float x) { return std::sqrt(x); });
}
void interpret(const op::Abs&, const QuantizedNode& node, Inputs in, Tensor& out) {
  const Multiplier multiplier =
      quantize_multiplier(abs_factor(node.input_scale(0), node.output_scale()), node.rounding);
  for_each_integer(in, out, [&](int8_t x) {
    return int64_t{scaled(std::abs(x - node.input_zero_point(0)), multiplier, node.rounding)} +
           node.output_zero_point();
  });
}
void interpret(const op::Power& op, const QuantizedNode& node, Inputs in, Tensor& out) {
  if (op.exponent == -0.5) return interpret_rsqrt(node, in, out);
  if (op.exponent == 2) return interpret_chain(op, node, in, out);
  const auto exponent = static_cast<float>(op.exponent);
  interpret_real(node, in, out, [&](float x) { return std::pow(x, exponent); });
}
void interpret(const op::Affine& op, const QuantizedNode& node, Inputs in, Tensor& out) {
  interpret_chain(op, node, in, out);
}

#define TUCO_FUNCTION(Op)                                                                \
  void quantize(const op::Op&, Quantizer& quantizer, Graph::Node& node) {                \
    quantizer.calibrated(node.outputs[0]);                                               \
  }                                                                                      \
  Int8Op lower(const op::Op& op, const QuantizedNode& node) { return lookup(op, node); } \
  void emit(const op::Op& op, const QuantizedNode& node, Program& program) {             \
    emit_lookup(op, node, program);                                                      \
  }                                                                                      \
  static_assert(true)
TUCO_FUNCTION(Elu);
TUCO_FUNCTION(Exp);
TUCO_FUNCTION(Log);
TUCO_FUNCTION(Sqrt);
TUCO_FUNCTION(Abs);
TUCO_FUNCTION(Power);
TUCO_FUNCTION(Affine);
#undef TUCO_FUNCTION

}  // namespace tuco::deploy
