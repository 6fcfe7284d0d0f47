// The addition of int8 numbers in registers, compiled once for each Highway target: for op::QAdd,
// and for what follows a convolution. Included after int8-inl.h, inside no namespace.
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

/// A short addition (qadd.h) of vectors. The half is what its input less the zero point is, shifted
/// left by 19; the other input is taken as pairs (pairs_of), also less the zero point.
class ShortAddition {
 public:
  explicit ShortAddition(const QShortAdd& add)
      : out_(add.out), requantize_(UniformConstants(add.sum, add.out).constants, 0) {
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
  QForm form() const { return short_form(out_); }
  const op::Requantize& out() const { return out_; }

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
  op::Requantize out_;
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

}  // namespace tuco::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
