// What the int8 kernels share, compiled once for each Highway target: the dot product of bytes or
// its stand-in, narrowing, and the requantization of sums. Included inside no namespace, after
// HWY_WANT_AVX3_DL was defined and highway_targets.h included.
#if defined(TUCO_DEVICES_CPU_INT8_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TUCO_DEVICES_CPU_INT8_INL_H_
#undef TUCO_DEVICES_CPU_INT8_INL_H_
#else
#define TUCO_DEVICES_CPU_INT8_INL_H_
#endif

#include "tuco/deploy/runtime/requantize.h"
#include "tuco/devices/cpu/qproduct.h"
#include "tuco/devices/cpu/simd-inl.h"

// Whether vectors are registers of x86: Highway's plain targets have arrays of numbers.
#undef TUCO_X86_VECTORS
#define TUCO_X86_VECTORS (HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128)

HWY_BEFORE_NAMESPACE();
namespace tuco::cpu::HWY_NAMESPACE {

using I8 = hn::ScalableTag<int8_t>;
using U8s = hn::ScalableTag<uint8_t>;
using I16 = hn::ScalableTag<int16_t>;
using I64 = hn::ScalableTag<int64_t>;
using U64 = hn::ScalableTag<uint64_t>;
using I8Half = hn::Rebind<int8_t, I16>;     // as many as there are int16 in a vector
using I8Quarter = hn::Rebind<int8_t, I32>;  // as many as there are int32

// An activation inside a kernel, and a weight; kGroup of either fill 32 bits, which is what a dot
// product sums up. Zero is the activation that stands for a real zero.
#if HWY_TARGET == HWY_AVX3_DL
using Element = uint8_t;  // x + 128: the instruction multiplies unsigned by signed bytes
using Weight = int8_t;
#else
using Element = int16_t;  // x - zero point: products of int16 are summed exactly
using Weight = int16_t;
#endif
constexpr int64_t kGroup = 4 / sizeof(Element);
// Vectors of sums that are narrowed together.
constexpr int kPair = HWY_TARGET == HWY_SCALAR ? 1 : 2;

/// The element for a real zero, and what has to be added to a sum for each unit of weight.
HWY_INLINE Element zero_element(int32_t zero_point) {
  return static_cast<Element>(kGroup == 4 ? zero_point + 128 : 0);
}
HWY_INLINE int32_t weight_correction(int32_t zero_point) {
  return kGroup == 4 ? -(zero_point + 128) : 0;
}

/// sum + the dot product of the two int16 in each lane.
HWY_INLINE VecI dot_pairs(VecI sum, VecI a, VecI b) {
#if HWY_TARGET == HWY_AVX3_DL
  asm("vpdpwssd %2, %1, %0" : "+v"(sum.raw) : "v"(a.raw), "v"(b.raw));
  return sum;
#elif TUCO_X86_VECTORS
  VecI unused = sum;
  return hn::ReorderWidenMulAccumulate(I32(), hn::BitCast(I16(), a), hn::BitCast(I16(), b), sum,
                                       unused);
#else
  const VecI low =
      hn::ShiftRight<16>(hn::ShiftLeft<16>(a)) * hn::ShiftRight<16>(hn::ShiftLeft<16>(b));
  return sum + low + hn::ShiftRight<16>(a) * hn::ShiftRight<16>(b);
#endif
}

/// sum + the dot product of each lane's elements with its weights.
HWY_INLINE VecI dot(VecI sum, VecI elements, VecI weights) {
#if HWY_TARGET == HWY_AVX3_DL
  // With the intrinsic, GCC 12 copies and spills the sums.
  asm("vpdpbusd %2, %1, %0" : "+v"(sum.raw) : "v"(elements.raw), "v"(weights.raw));
  return sum;
#else
  return dot_pairs(sum, elements, weights);
#endif
}

HWY_INLINE VecI load_ints(const int32_t* p) { return hn::LoadU(I32(), p); }

/// int8 into elements, as many as D has lanes of them.
template <class D>
HWY_INLINE void convert_elements(D d, const int8_t* x, int32_t zero_point, Element* to) {
#if HWY_TARGET == HWY_AVX3_DL
  static_cast<void>(zero_point);
  hn::StoreU(hn::LoadU(d, reinterpret_cast<const uint8_t*>(x)) ^ hn::Set(d, 0x80), d, to);
#else
  const auto wide = hn::PromoteTo(d, hn::LoadU(hn::Rebind<int8_t, D>(), x));
  hn::StoreU(wide - hn::Set(d, static_cast<int16_t>(zero_point)), d, to);
#endif
}

/// int8 into elements, and nothing behind the last. Without masks: where they are slow, short
/// pieces would be.
HWY_INLINE void to_elements(const int8_t* x, int64_t count, int32_t zero_point, Element* to) {
  constexpr int64_t step = HWY_LANES(Element);
  int64_t i = 0;
  for (; i + step <= count; i += step)
    convert_elements(hn::ScalableTag<Element>(), x + i, zero_point, to + i);
  constexpr int64_t small = std::min<int64_t>(16, step);
  for (; i + small <= count; i += small)
    convert_elements(hn::CappedTag<Element, small>(), x + i, zero_point, to + i);
  constexpr int64_t least = std::min<int64_t>(8, step);
  for (; i + least <= count; i += least)
    convert_elements(hn::CappedTag<Element, least>(), x + i, zero_point, to + i);
  for (; i < count; ++i) to[i] = static_cast<Element>(kGroup == 4 ? x[i] + 128 : x[i] - zero_point);
}

/// `count` real zeros, and more up to the end of a vector: for what is filled from front to back.
HWY_INLINE void pad_elements(int64_t count, int32_t zero_point, Element* to) {
  const hn::ScalableTag<Element> d;
  const auto zeros = hn::Set(d, zero_element(zero_point));
  for (int64_t i = 0; i < count; i += HWY_LANES(Element)) hn::StoreU(zeros, d, to + i);
}

/// Writes the first `count` bytes and nothing else.
template <class D>
HWY_INLINE void store_first_bytes(D d, hn::Vec<D> v, int8_t* p, int64_t count) {
  if (count >= static_cast<int64_t>(hn::MaxLanes(D()))) return hn::StoreU(v, d, p);
  HWY_ALIGN int8_t lanes[hn::MaxLanes(D())];
  hn::Store(v, d, lanes);
  const int8_t* from = lanes;
  for (; count >= 8; count -= 8, from += 8, p += 8) std::memcpy(p, from, 8);
  for (; count > 0; --count) *p++ = *from++;
}

/// `count` bytes, and zeros where D has more lanes.
template <class D>
HWY_INLINE hn::Vec<D> load_first_bytes(D d, const int8_t* p, int64_t count) {
  if (count >= static_cast<int64_t>(hn::MaxLanes(D()))) return hn::LoadU(d, p);
  HWY_ALIGN int8_t lanes[hn::MaxLanes(D())] = {};
  std::memcpy(lanes, p, static_cast<size_t>(count));
  return hn::Load(d, lanes);
}

#if HWY_TARGET != HWY_SCALAR
/// The odd lanes in place of the even ones.
HWY_INLINE VecI upper(VecI v) {
  return hn::BitCast(I32(), hn::ShiftRight<32>(hn::BitCast(U64(), v)));
}
#endif

/// Requantization of one vector of sums in a short form (QForm), with its lanes' constants.
struct Requantizer {
  VecI multiplier, odd_multiplier, right;
  hn::Vec<I64> even_nudge, odd_nudge;

  Requantizer() = default;
  /// From the place of the vector's lanes in a QConstants block.
  HWY_INLINE explicit Requantizer(const QConstants& c, int64_t lane)
      : multiplier(load_ints(c.multiplier + lane)),
        right(load_ints(c.right + lane)),
        even_nudge(hn::LoadU(I64(), c.nudge + lane % 2 * c.odd_nudge + lane / 2)) {
#if HWY_TARGET != HWY_SCALAR
    odd_multiplier = upper(multiplier);
    odd_nudge = hn::LoadU(I64(), c.nudge + c.odd_nudge + lane / 2);
#endif
  }

  template <QForm kForm>
  HWY_INLINE VecI scaled(VecI sum) const {
    const VecI factor = kForm == QForm::ties_up ? sum : sum + sum;
    VecI x = upper_product(factor);
    if constexpr (kForm == QForm::ties_away) x = x + hn::ShiftRight<31>(sum);
    return x >> right;
  }

 private:
  /// The upper half of the product, nudged.
  HWY_INLINE VecI upper_product(VecI factor) const {
#if HWY_TARGET == HWY_SCALAR
    return VecI(
        static_cast<int32_t>((int64_t{factor.raw} * multiplier.raw + even_nudge.raw) >> 32));
#else
    const auto even = hn::MulEven(factor, multiplier) + even_nudge;
    const auto odd = hn::MulEven(upper(factor), odd_multiplier) + odd_nudge;
#if HWY_CAP_GE512
    return VecI{_mm512_mask_shuffle_epi32(odd.raw, 0x5555, even.raw, _MM_PERM_DDBB)};
#else
    return hn::OddEven(hn::BitCast(I32(), odd), upper(hn::BitCast(I32(), even)));
#endif
#endif
  }
};

/// Any multiplier in either rounding, zero point included.
HWY_NOINLINE inline VecI requantize_general(VecI sum, const QConstants& c, int64_t lane) {
  const VecI limit = splat_integer(1 << 30);  // far beyond int8, and the zero point can be added
  VecI result;
#if HWY_TARGET == HWY_SCALAR
  result = VecI(tuco_scaled(sum.raw, c.multiplier[lane], c.shift[lane],
                            static_cast<int32_t>(c.out.rounding)));
  const VecI zero = hn::Zero(I32());
#else
  // Even and odd lanes of 64 bits, of which the lower halves are the result.
  const auto join_halves = [](auto even, auto odd) {
    return hn::OddEven(hn::BitCast(I32(), hn::ShiftLeft<32>(odd)), hn::BitCast(I32(), even));
  };
  const VecI multiplier = load_ints(c.multiplier + lane), shift = load_ints(c.shift + lane);
  const VecI zero = hn::Zero(I32()), one = splat_integer(1);
  if (c.out.rounding == Rounding::kSingle) {
    const VecI right = splat_integer(31) - shift;
    const auto rounded = [](auto product, auto count) {
      const auto half = hn::Set(I64(), 1) << (count - hn::Set(I64(), 1));
      return (product + half) >> count;
    };
    const auto low_half = hn::Set(I64(), 0xFFFFFFFF);
    result = join_halves(
        rounded(hn::MulEven(sum, multiplier), hn::BitCast(I64(), right) & low_half),
        rounded(hn::MulEven(upper(sum), upper(multiplier)), hn::BitCast(I64(), upper(right))));
  } else {
    const VecI shifted = sum << hn::Max(shift, zero), right = hn::Max(zero - shift, zero);
    const auto nudge = hn::Set(I64(), int64_t{1} << 30);
    const VecI x =
        join_halves(hn::ShiftRight<31>(hn::MulEven(shifted, multiplier) + nudge),
                    hn::ShiftRight<31>(hn::MulEven(upper(shifted), upper(multiplier)) + nudge));
    const VecI y = x + hn::ShiftRight<31>(x);
    result = hn::IfThenElse(hn::Eq(right, zero), x,
                            (y >> right) + ((y >> hn::Max(right - one, zero)) & one));
  }
#endif
  return hn::Min(hn::Max(result, zero - limit), limit) + splat_integer(c.out.zero_point);
}

/// The constants of a vector whose lanes share one multiplier; those of the short form where its
/// shift allows it.
struct UniformConstants {
  HWY_ALIGN int32_t multiplier[kLanes], shift[kLanes], right[kLanes];
  HWY_ALIGN int64_t nudge[kLanes];
  QConstants constants;

  UniformConstants(const Multiplier& m, const op::Requantize& out)
      : constants{nullptr, multiplier, shift, right, nudge, 0, out, short_form(out)} {
    const QScale scale =
        scale_of({m.value, std::clamp(m.shift, -22, -1)}, out.zero_point, constants.form);
    std::fill_n(multiplier, kLanes, m.value);
    std::fill_n(shift, kLanes, m.shift);
    std::fill_n(right, kLanes, scale.right);
    std::fill_n(nudge, kLanes, scale.nudge);
  }
  UniformConstants(const UniformConstants&) = delete;
  UniformConstants& operator=(const UniformConstants&) = delete;
};

// Sums to int8: of one vector in order, of two in the order that narrowing gives (lane_order).
HWY_INLINE auto narrow(VecI v) { return hn::DemoteTo(I8Quarter(), v); }
#if HWY_TARGET != HWY_SCALAR
HWY_INLINE auto narrow(VecI a, VecI b) {
  return hn::DemoteTo(I8Half(), hn::ReorderDemote2To(I16(), a, b));
}
#endif

#if TUCO_X86_VECTORS
/// Of four vectors, within 128 bits: a quarter of each follow one another.
HWY_INLINE hn::Vec<I8> narrow_four(const VecI* v) {
  const auto low = hn::ReorderDemote2To(I16(), v[0], v[1]),
             high = hn::ReorderDemote2To(I16(), v[2], v[3]);
#if HWY_CAP_GE512
  return hn::Vec<I8>{_mm512_packs_epi16(low.raw, high.raw)};
#else
  return hn::Vec<I8>{_mm256_packs_epi16(low.raw, high.raw)};
#endif
}
#endif

/// The lane, counted over the vectors, that narrowing puts at each place.
template <int NV>
std::array<int8_t, NV * kLanes> lane_order() {
  std::array<int8_t, NV * kLanes> order;
  const auto fill = [&](auto first) {
    if constexpr (NV == 1)
      hn::StoreU(narrow(first), I8Quarter(), order.data());
    else
      hn::StoreU(narrow(first, hn::Iota(I32(), kLanes)), I8Half(), order.data());
  };
  fill(hn::Iota(I32(), 0));
  return order;
}

}  // namespace tuco::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
