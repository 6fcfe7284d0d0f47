// The addition behind a convolution in registers, compiled once for each Highway target. Included
// inside no namespace.
#if defined(TUCO_DEVICES_CPU_QADD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TUCO_DEVICES_CPU_QADD_INL_H_
#undef TUCO_DEVICES_CPU_QADD_INL_H_
#else
#define TUCO_DEVICES_CPU_QADD_INL_H_
#endif

#include "tuco/devices/cpu/int8-inl.h"
#include "tuco/devices/cpu/qadd.h"

HWY_BEFORE_NAMESPACE();
namespace tuco::cpu::HWY_NAMESPACE {

/// A QLinearAdd of vectors.
class LinearAddition {
 public:
  explicit LinearAddition(const QLinearAdd& add)
      : out{0, add.low, add.high, Rounding::kDouble}, add_(add), shift_(splat_integer(add.shift)) {
    offset_ = splat_integer(add.c);
    lower_ = splat_integer(add.a & 0xFF) | hn::ShiftLeft<16>(splat_integer(add.b & 0xFF));
    upper_ = splat_integer(add.a >> 8) | hn::ShiftLeft<16>(splat_integer(add.b >> 8));
  }

#if TUCO_X86_VECTORS
  /// Each lane is a pair of int16, of one input and the other. Factors are taken in two parts of 8
  /// and 15 bits.
  HWY_INLINE VecI operator()(VecI pairs) const {
    const VecI shifted = hn::BitCast(I32(), hn::ShiftLeft<8>(hn::BitCast(I16(), pairs)));
    return dot_pairs(dot_pairs(offset_, pairs, lower_), shifted, upper_) >> shift_;
  }
#endif
  /// One result, not clamped.
  int32_t operator()(int64_t q, int64_t r) const {
    return static_cast<int32_t>(static_cast<uint32_t>(add_.a * q + add_.b * r + add_.c)) >>
           add_.shift;
  }

  op::Requantize out;  // the bounds

 private:
  QLinearAdd add_;
  VecI offset_, lower_, upper_, shift_;
};

}  // namespace tuco::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
