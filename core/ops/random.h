// Ops that draw random numbers, at a stated place of a stated Philox stream.
#pragma once
#include <string_view>

#include "tuco/core/tensor.h"

namespace tuco::op {

/// A place in a Philox stream: element i of the tensor takes number 4 * block + i.
struct RandomPlace {
  uint64_t seed = 0, stream = 0, block = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("seed", self.seed);
    visit("stream", self.stream);
    visit("block", self.block);
  }
};

/// Zeroes each element with probability p and divides the others by 1 - p. Its gradient is the same
/// op on the gradient.
struct Dropout {
  static constexpr std::string_view name = "dropout";
  double p = 0.5;
  RandomPlace place;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("p", self.p);
    RandomPlace::fields(self.place, visit);
  }
};
/// Fills its output with uniform [0, 1) or standard normal numbers.
struct Random {
  static constexpr std::string_view name = "random";
  bool normal = false;
  RandomPlace place;
  TensorMeta meta;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("normal", self.normal);
    RandomPlace::fields(self.place, visit);
    visit("shape", self.meta.shape);
  }
};

}  // namespace tuco::op
