// Point-wise ops on int8, and the way between float32 and int8.
#define HWY_WANT_AVX3_DL
#include "tuco/core/parallel.h"
#include "tuco/devices/cpu/highway_targets.h"
#include "tuco/devices/cpu/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tuco/devices/cpu/qpointwise.cpp"
#include <hwy/foreach_target.h>

#include "tuco/devices/cpu/int8-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tuco::cpu::HWY_NAMESPACE {
namespace {

/// Calls body(i, count) for vectors of int32's lanes; the last one may have fewer.
template <class Body>
HWY_INLINE void for_each_vector(int64_t size, const Body& body) {
  int64_t i = 0;
  for (; i + kLanes <= size; i += kLanes) body(i, kLanes);
  if (i < size) body(i, size - i);
}

HWY_INLINE VecI load_int8(const int8_t* p, int64_t count) {
  if (count == kLanes) return hn::PromoteTo(I32(), hn::LoadU(I8Quarter(), p));
  HWY_ALIGN int8_t lanes[kLanes] = {};
  std::memcpy(lanes, p, static_cast<size_t>(count));
  return hn::PromoteTo(I32(), hn::Load(I8Quarter(), lanes));
}

/// One of the inputs of an addition, on the common scale.
struct QAddend {
  UniformConstants scale;
  Requantizer simple;
  VecI zero_point;

  QAddend(const Multiplier& m, int32_t zero, Rounding rounding)
      : scale(m, {.rounding = rounding}),
        simple(scale.constants, 0),
        zero_point(splat_integer(zero)) {}
  template <bool kSimple>
  HWY_INLINE VecI get(VecI q) const {
    const VecI x = hn::ShiftLeft<20>(q - zero_point);
    return kSimple ? simple(x) : requantize_general(x, scale.constants, 0);
  }
};

/// The larger scale is the common one but for a factor of 1/2: no more than a shift.
bool is_half(const Multiplier& m) { return m.value == 1 << 30 && m.shift == 0; }

template <bool kSimple, bool kHalfA, bool kHalfB>
void add_range(const op::QAdd& op, const int8_t* a, const int8_t* b, int8_t* y, int64_t size) {
  const QAddend first(op.a, op.a_zero_point, op.out.rounding),
      second(op.b, op.b_zero_point, op.out.rounding);
  const UniformConstants sum(op.sum, op.out);
  const Requantizer simple(sum.constants, 0);
  const VecI low = splat_integer(op.out.low), high = splat_integer(op.out.high);
  for_each_vector(size, [&](int64_t i, int64_t count) {
    const VecI p = load_int8(a + i, count), q = load_int8(b + i, count);
    const VecI x = kHalfA ? hn::ShiftLeft<19>(p - first.zero_point) : first.get<kSimple>(p);
    const VecI z = kHalfB ? hn::ShiftLeft<19>(q - second.zero_point) : second.get<kSimple>(q);
    const VecI v = kSimple ? simple(x + z) : requantize_general(x + z, sum.constants, 0);
    const auto bytes = narrow(hn::Min(hn::Max(v, low), high));
    if (count == kLanes) return hn::StoreU(bytes, I8Quarter(), y + i);
    HWY_ALIGN int8_t lanes[kLanes];
    hn::Store(bytes, I8Quarter(), lanes);
    std::memcpy(y + i, lanes, static_cast<size_t>(count));
  });
}

void add(const op::QAdd& op, const int8_t* a, const int8_t* b, int8_t* y, int64_t size) {
  const auto fits = [](const Multiplier& m) { return m.shift <= -1 && m.shift >= -22; };
  const bool half_a = is_half(op.a), half_b = is_half(op.b);
  auto* range = add_range<false, false, false>;
  if (op.out.rounding == Rounding::kDouble && fits(op.sum) && (half_a || fits(op.a)) &&
      (half_b || fits(op.b)))
    range = half_a   ? half_b ? add_range<true, true, true> : add_range<true, true, false>
              : half_b ? add_range<true, false, true>
                     : add_range<true, false, false>;
  parallel_for(0, size, kGrain,
               [&](int64_t i, int64_t end) { range(op, a + i, b + i, y + i, end - i); });
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
    const auto bytes = narrow(hn::ConvertTo(I32(), bounded));
    HWY_ALIGN int8_t lanes[kLanes];
    if (count == kLanes) return hn::StoreU(bytes, I8Quarter(), y + i);
    hn::Store(bytes, I8Quarter(), lanes);
    std::memcpy(y + i, lanes, static_cast<size_t>(count));
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
HWY_EXPORT(look_up);
HWY_EXPORT(quantize);
HWY_EXPORT(dequantize);

void run(const op::QAdd& op, Inputs in, Out out, Workspace&) {
  TUCO_DISPATCH(add)
  (op, ptr<int8_t>(in[0]), ptr<int8_t>(in[1]), ptr<int8_t>(out[0]), out[0].numel());
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
