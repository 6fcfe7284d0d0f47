// What the generators of random models draw.
#pragma once
#include <cmath>

#include "tuco/core/quantization.h"
#include "tuco/core/rng.h"

namespace tuco::test {

/// An integer from `low` to `high`.
inline int64_t between(Rng& rng, int64_t low, int64_t high) {
  return low + rng.below(static_cast<uint32_t>(high - low + 1));
}

/// A generator's numbers, the same for the same seed.
class Draws {
 protected:
  explicit Draws(uint64_t seed) : rng_(seed) {}

  int64_t between(int64_t low, int64_t high) { return test::between(rng_, low, high); }
  size_t below(size_t count) { return rng_.below(static_cast<uint32_t>(count)); }
  /// A power of two between those with these exponents, not only of integers.
  double octaves(double low, double high) {
    return std::exp2(rng_.uniform(static_cast<float>(low), static_cast<float>(high)));
  }
  /// This scale, and a zero point often at the end of its range.
  Quantization quantization_near(double scale) {
    const int32_t ends[] = {-128, 127, 0, static_cast<int32_t>(between(-128, 127))};
    return {{static_cast<float>(scale)}, {ends[rng_.below(4)]}, -1};
  }

  Rng rng_;
};

}  // namespace tuco::test
