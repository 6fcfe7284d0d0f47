// Point-wise ops on int8, and the way between float32 and int8.
#define HWY_WANT_AVX3_DL
#include "tuco/core/parallel.h"
#include "tuco/devices/cpu/highway_targets.h"
#include "tuco/devices/cpu/kernels.h"
#include "tuco/devices/cpu/qadd.h"
#include "tuco/devices/cpu/strided.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tuco/devices/cpu/qpointwise.cpp"
#include <hwy/foreach_target.h>

#include "tuco/devices/cpu/int8-inl.h"

#ifndef TUCO_DEVICES_CPU_QPOINTWISE_ONCE_
#define TUCO_DEVICES_CPU_QPOINTWISE_ONCE_
namespace tuco::cpu {

/// An addition with a short form: the input of the larger scale, the second where `swapped`, has
/// the factor 1/2, which is a shift, and double rounding shifts right alone. The other input's
/// factor is other_value / 2^(31 + other_right).
struct QShortAdd {
  bool swapped;
  int32_t half_zero_point, other_zero_point;
  int64_t other_value;
  int32_t other_right;
  Multiplier sum;
  op::Requantize out;
};

/// Nothing where the op needs the general form.
inline std::optional<QShortAdd> short_add(const op::QAdd& op) {
  const auto is_half = [](const Multiplier& m) { return m.value == 1 << 30 && m.shift == 0; };
  const auto fits = [](const Multiplier& m, int32_t most) {
    return m.shift <= -1 && m.shift >= -most;
  };
  const bool swapped = !is_half(op.a);
  const Multiplier &half = swapped ? op.b : op.a, &other = swapped ? op.a : op.b;
  if (op.out.rounding != Rounding::kDouble || !fits(op.sum, 22) || !is_half(half) ||
      !(is_half(other) || fits(other, 19)))
    return {};
  QShortAdd add{swapped,      op.a_zero_point, op.b_zero_point, other.value,
                -other.shift, op.sum,          op.out};
  if (swapped) std::swap(add.half_zero_point, add.other_zero_point);
  // A half as the whole, shifted right by one as all others are at least.
  if (is_half(other)) add.other_value = int64_t{1} << 31, add.other_right = 1;
  return add;
}

}  // namespace tuco::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace tuco::cpu::HWY_NAMESPACE {
namespace {

HWY_INLINE VecI load_int8(const int8_t* p, int64_t count) {
  return hn::PromoteTo(I32(), load_first_bytes(I8Quarter(), p, count));
}

/// Any addition, or subtraction.
template <bool kSubtract>
void add_general(const op::QAdd& op, const int8_t* a, const int8_t* b, int8_t* y, int64_t size) {
  const UniformConstants first(op.a, {.rounding = op.out.rounding}),
      second(op.b, {.rounding = op.out.rounding}), sum(op.sum, op.out);
  const VecI low = splat_integer(op.out.low), high = splat_integer(op.out.high);
  const auto scaled = [&](const int8_t* p, int64_t count, int32_t zero_point,
                          const UniformConstants& scale) {
    return requantize_general(hn::ShiftLeft<20>(load_int8(p, count) - splat_integer(zero_point)),
                              scale.constants, 0);
  };
  for_each_vector(size, [&](int64_t i, int64_t count) {
    const VecI x = scaled(a + i, count, op.a_zero_point, first),
               z = scaled(b + i, count, op.b_zero_point, second);
    const VecI v = requantize_general(kSubtract ? x - z : x + z, sum.constants, 0);
    store_first_bytes(I8Quarter(), narrow(hn::Min(hn::Max(v, low), high)), y + i, count);
  });
}

void multiply(const op::QMul& op, const int8_t* a, const int8_t* b, int8_t* y, int64_t size) {
  const UniformConstants product(op.product, op.out);
  const VecI low = splat_integer(op.out.low), high = splat_integer(op.out.high);
  for_each_vector(size, [&](int64_t i, int64_t count) {
    const VecI x = load_int8(a + i, count) - splat_integer(op.a_zero_point),
               z = load_int8(b + i, count) - splat_integer(op.b_zero_point);
    const VecI v = requantize_general(x * z, product.constants, 0);
    store_first_bytes(I8Quarter(), narrow(hn::Min(hn::Max(v, low), high)), y + i, count);
  });
}

void rectify(const op::QPRelu& op, const int8_t* a, const int8_t* b, int8_t* y, int64_t size) {
  const UniformConstants above(op.above, op.out), below(op.below, op.out);
  const VecI low = splat_integer(op.out.low), high = splat_integer(op.out.high);
  for_each_vector(size, [&](int64_t i, int64_t count) {
    const VecI x = load_int8(a + i, count) - splat_integer(op.a_zero_point),
               slope = load_int8(b + i, count) - splat_integer(op.b_zero_point);
    const VecI v =
        hn::IfThenElse(x < hn::Zero(I32()), requantize_general(x * slope, below.constants, 0),
                       requantize_general(x, above.constants, 0));
    store_first_bytes(I8Quarter(), narrow(hn::Min(hn::Max(v, low), high)), y + i, count);
  });
}

/// A QShortAdd of vectors. The half is what its input less the zero point is, shifted
/// left by 19; the other input is taken as pairs (pairs_of), also less the zero point.
class ShortAddition {
 public:
  explicit ShortAddition(const QShortAdd& add)
      : requantize_(UniformConstants(add.sum, add.out).constants, 0) {
    // (q 2^20 m + 2^30) / 2^31 is q upper + (q lower + 2^10) / 2^11.
    const int64_t upper = add.other_value >> 11, lower = add.other_value & 0x7FF;
#if TUCO_X86_VECTORS
    // As coefficients of a pair, q and q 2^7.
    upper_ = splat_integer((upper >> 7) << 16 | (upper & 0x7F));
#else
    upper_ = splat_integer(upper);
#endif
    lower_ = splat_integer(lower);
    nudge_ = splat_integer((1 << 10) + (int64_t{1} << (add.other_right + 10)));
    right_ = splat_integer(add.other_right);
  }

  template <QForm kForm>
  HWY_INLINE VecI result(VecI half, VecI pairs) const {
#if TUCO_X86_VECTORS
    const VecI x = dot_pairs(hn::ShiftRight<11>(dot_pairs(nudge_, pairs, lower_)), pairs, upper_);
#else
    const VecI x = pairs * upper_ + hn::ShiftRight<11>(pairs * lower_ + nudge_);
#endif
    // Half a unit is in the nudge; less one for negatives, ties go away from zero.
    return requantize_.scaled<kForm>(half + ((x + hn::ShiftRight<31>(pairs)) >> right_));
  }

 private:
  Requantizer requantize_;
  VecI upper_, lower_, nudge_, right_;
};

/// The pairs of numbers of 9 bits.
HWY_INLINE VecI pairs_of(VecI q) {
#if TUCO_X86_VECTORS
  return hn::OrAnd(hn::ShiftLeft<23>(q), q, splat_integer(0xFFFF));
#else
  return q;
#endif
}

#if TUCO_X86_VECTORS
/// A vector of bytes + 128 to four vectors of integers, in the order that narrow_four undoes.
HWY_INLINE void widen_four(const int8_t* p, VecI* v) {
  using U16s = hn::ScalableTag<uint16_t>;
  const auto bytes = hn::LoadU(U8s(), reinterpret_cast<const uint8_t*>(p)) ^ hn::Set(U8s(), 0x80);
  const auto none = hn::Zero(U8s());
  const auto low = hn::BitCast(U16s(), hn::InterleaveLower(U8s(), bytes, none)),
             high = hn::BitCast(U16s(), hn::InterleaveUpper(U8s(), bytes, none));
  const auto none16 = hn::Zero(U16s());
  v[0] = hn::BitCast(I32(), hn::InterleaveLower(U16s(), low, none16));
  v[1] = hn::BitCast(I32(), hn::InterleaveUpper(U16s(), low, none16));
  v[2] = hn::BitCast(I32(), hn::InterleaveLower(U16s(), high, none16));
  v[3] = hn::BitCast(I32(), hn::InterleaveUpper(U16s(), high, none16));
}
#endif

template <QForm kForm>
void add_short(const QShortAdd& add, const int8_t* half, const int8_t* other, int8_t* y,
               int64_t size) {
  const ShortAddition addition(add);
  const auto sum = [&](VecI h, VecI o) TUCO_INLINE_LAMBDA {
    return addition.result<kForm>(hn::ShiftLeft<19>(h), pairs_of(o));
  };
  int64_t begin = 0;
#if TUCO_X86_VECTORS
  const auto low = hn::Set(I8(), static_cast<int8_t>(add.out.low)),
             high = hn::Set(I8(), static_cast<int8_t>(add.out.high));
  const VecI half_zero = splat_integer(add.half_zero_point + 128),
             other_zero = splat_integer(add.other_zero_point + 128);
  for (; begin + 4 * kLanes <= size; begin += 4 * kLanes) {
    VecI p[4], q[4];
    widen_four(half + begin, p);
    widen_four(other + begin, q);
    TUCO_UNROLL
    for (int k = 0; k < 4; ++k) p[k] = sum(p[k] - half_zero, q[k] - other_zero);
    hn::StoreU(hn::Min(hn::Max(narrow_four(p), low), high), I8(), y + begin);
  }
#endif
  const VecI low32 = splat_integer(add.out.low), high32 = splat_integer(add.out.high);
  for_each_vector(size - begin, [&](int64_t i, int64_t count) {
    i += begin;
    const VecI v = sum(load_int8(half + i, count) - splat_integer(add.half_zero_point),
                       load_int8(other + i, count) - splat_integer(add.other_zero_point));
    store_first_bytes(I8Quarter(), narrow(hn::Min(hn::Max(v, low32), high32)), y + i, count);
  });
}

void add(const op::QAdd& op, const int8_t* a, const int8_t* b, int8_t* y, int64_t size) {
  const auto fast = short_add(op);
  if (fast && fast->swapped) std::swap(a, b);
  if (!fast)
    add_general<false>(op, a, b, y, size);
  else if (short_form(op.out) == QForm::ties_up)
    add_short<QForm::ties_up>(*fast, a, b, y, size);
  else
    add_short<QForm::ties_away>(*fast, a, b, y, size);
}

void subtract(const op::QSub& op, const int8_t* a, const int8_t* b, int8_t* y, int64_t size) {
  add_general<true>(op, a, b, y, size);
}

void look_up(const int8_t* table, const int8_t* x, int8_t* y, int64_t size) {
  int64_t i = 0;
#if HWY_TARGET == HWY_AVX3_DL
  const __m512i t0 = _mm512_loadu_si512(table), t1 = _mm512_loadu_si512(table + 64),
                t2 = _mm512_loadu_si512(table + 128), t3 = _mm512_loadu_si512(table + 192);
  for (; i + 64 <= size; i += 64) {
    const __m512i v = _mm512_loadu_si512(x + i);  // seven bits choose, the sign chooses the half
    _mm512_storeu_si512(
        y + i, _mm512_mask_blend_epi8(_mm512_movepi8_mask(v), _mm512_permutex2var_epi8(t2, v, t3),
                                      _mm512_permutex2var_epi8(t0, v, t1)));
  }
#endif
  for (; i < size; ++i) y[i] = table[x[i] + 128];
}

void quantize(const op::QuantizeLinear& op, const float* x, int8_t* y, int64_t size) {
  const VecF scale = splat(op.scale), zero_point = splat(static_cast<float>(op.zero_point));
  const VecF half = splat(0.5f), one = splat(1.0f), low = splat(-128.0f), high = splat(127.0f);
  for_each_vector(size, [&](int64_t i, int64_t count) {
    const VecF v = hn::Div(load_first(x + i, count), scale);
    // To nearest, ties away from zero.
    const VecF whole = hn::Trunc(v);
    const VecF rounded =
        whole + hn::IfThenElseZero(hn::Ge(hn::Abs(v - whole), half), hn::CopySign(one, v));
    const VecF q = rounded + zero_point;
    // NaN is not above the bound.
    const VecF bounded = hn::IfThenElse(hn::Gt(q, low), hn::Min(q, high), low);
    store_first_bytes(I8Quarter(), narrow(hn::ConvertTo(I32(), bounded)), y + i, count);
  });
}

void dequantize(const op::DequantizeLinear& op, const int8_t* x, float* y, int64_t size) {
  const VecI zero_point = splat_integer(op.zero_point);
  const VecF scale = splat(op.scale);
  for_each_vector(size, [&](int64_t i, int64_t count) {
    const VecF v = hn::ConvertTo(F32(), load_int8(x + i, count) - zero_point) * scale;
    store_first(v, y + i, count);
  });
}

}  // namespace
}  // namespace tuco::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tuco::cpu {

HWY_EXPORT(add);
HWY_EXPORT(subtract);
HWY_EXPORT(multiply);
HWY_EXPORT(rectify);
HWY_EXPORT(look_up);
HWY_EXPORT(quantize);
HWY_EXPORT(dequantize);

void add(const op::QAdd& op, const int8_t* a, const int8_t* b, int8_t* y, int64_t size) {
  const auto kernel = TUCO_DISPATCH(add);
  parallel_for(0, size, kGrain,
               [&](int64_t i, int64_t end) { kernel(op, a + i, b + i, y + i, end - i); });
}

namespace {

/// An operand of a run: where it stands still, its one number is repeated in a buffer.
class Operand {
 public:
  static constexpr int64_t kRepeats = 256;
  Operand(const int8_t* first, int64_t step) : first_(first), still_(step == 0) {
    if (still_) std::fill_n(buffer_, kRepeats, *first);
  }
  const int8_t* at(int64_t i) const { return still_ ? buffer_ : first_ + i; }
  bool still() const { return still_; }

 private:
  const int8_t* first_;
  bool still_;
  int8_t buffer_[kRepeats];
};

/// kernel(op, a, b, y, size) on operands that broadcast; all are dense.
template <class Op, class Kernel>
void run_broadcast(const Op& op, Inputs in, Out out, const Kernel& kernel) {
  const Shape& shape = out[0].shape();
  const int8_t *a = base<int8_t>(in[0]), *b = base<int8_t>(in[1]);
  int8_t* y = base<int8_t>(out[0]);
  parallel_runs<3>({in[0].layout().expand(shape), in[1].layout().expand(shape), out[0].layout()},
                   [&](const auto& at, const auto& step, int64_t n) {
                     if (n == 0) return;
                     const Operand x(a + at[0], step[0]), z(b + at[1], step[1]);
                     const int64_t chunk = x.still() || z.still() ? Operand::kRepeats : n;
                     for (int64_t i = 0; i < n; i += chunk)
                       kernel(op, x.at(i), z.at(i), y + at[2] + i, std::min(chunk, n - i));
                   });
}

}  // namespace

void run(const op::QAdd& op, Inputs in, Out out, Workspace&) {
  if (in[0].shape() == in[1].shape())
    add(op, ptr<int8_t>(in[0]), ptr<int8_t>(in[1]), ptr<int8_t>(out[0]), out[0].numel());
  else
    run_broadcast(op, in, out, TUCO_DISPATCH(add));
}

void run(const op::QSub& op, Inputs in, Out out, Workspace&) {
  run_broadcast(op, in, out, TUCO_DISPATCH(subtract));
}

void run(const op::QMul& op, Inputs in, Out out, Workspace&) {
  run_broadcast(op, in, out, TUCO_DISPATCH(multiply));
}

void run(const op::QPRelu& op, Inputs in, Out out, Workspace&) {
  run_broadcast(op, in, out, TUCO_DISPATCH(rectify));
}

void run(const op::QLookup&, Inputs in, Out out, Workspace&) {
  const int8_t *x = ptr<int8_t>(in[0]), *table = ptr<int8_t>(in[1]);
  int8_t* y = ptr<int8_t>(out[0]);
  const auto kernel = TUCO_DISPATCH(look_up);
  parallel_for(0, out[0].numel(), kGrain,
               [&](int64_t i, int64_t end) { kernel(table, x + i, y + i, end - i); });
}

void run(const op::QuantizeLinear& op, Inputs in, Out out, Workspace&) {
  const float* x = ptr<float>(in[0]);
  int8_t* y = ptr<int8_t>(out[0]);
  const auto kernel = TUCO_DISPATCH(quantize);
  parallel_for(0, out[0].numel(), kGrain,
               [&](int64_t i, int64_t end) { kernel(op, x + i, y + i, end - i); });
}

void run(const op::DequantizeLinear& op, Inputs in, Out out, Workspace&) {
  const int8_t* x = ptr<int8_t>(in[0]);
  float* y = ptr<float>(out[0]);
  const auto kernel = TUCO_DISPATCH(dequantize);
  parallel_for(0, out[0].numel(), kGrain,
               [&](int64_t i, int64_t end) { kernel(op, x + i, y + i, end - i); });
}

}  // namespace tuco::cpu
#endif
