// What the kernel tests share: random operands, outputs that start as NaN, every instruction set of
// the machine, and the comparison of float32 with the float64 oracle.
#pragma once
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tuco/core/parallel.h"
#include "tuco/core/rng.h"
#include "tuco/devices/cpu/isa.h"

namespace tuco::cpu {

/// The size of a case.
struct Matrix {
  int64_t rows, columns;
};

inline std::vector<float> normal_values(int64_t count, uint64_t seed, float mean = 0) {
  Rng rng(seed);
  std::vector<float> values(count);
  for (float& v : values) v = mean + rng.normal();
  return values;
}

inline std::vector<double> as_double(const std::vector<float>& values) {
  return {values.begin(), values.end()};
}

/// Values that a kernel must overwrite.
template <class T>
std::vector<T> unwritten(int64_t count) {
  return std::vector<T>(count, std::numeric_limits<T>::quiet_NaN());
}

/// The largest difference, relative to the root mean square of `exact`, must be below `tolerance`.
template <class T>
void expect_close(const std::vector<T>& got, const std::vector<double>& exact, double tolerance) {
  ASSERT_EQ(got.size(), exact.size());
  double square = 0;
  for (const double e : exact) square += e * e;
  const double rms = std::sqrt(square / std::max<size_t>(exact.size(), 1)) + 1e-30;
  for (size_t i = 0; i < got.size(); ++i)
    // Written so that NaN fails.
    if (!(std::abs(got[i] - exact[i]) <= tolerance * rms)) {
      ADD_FAILURE() << "element " << i << " of " << got.size() << ": " << got[i] << ", exact "
                    << exact[i] << ", root mean square " << rms;
      return;
    }
}

template <class T>
double dot(const std::vector<T>& a, const std::vector<T>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += double(a[i]) * double(b[i]);
  return sum;
}

/// Calls test() with each of the instruction sets, and with one thread and three.
template <class Test>
void on_isas(const std::vector<Isa>& isas, Test&& test) {
  const Isa before = active_isa();
  const int threads = num_threads();
  for (const Isa isa : isas)
    for (const int count : {1, 3}) {
      SCOPED_TRACE(fmt::format("{}, {} threads", isa_name(isa), count));
      set_isa(isa);
      set_num_threads(count);
      test();
    }
  set_isa(before);
  set_num_threads(threads);
}

/// On all that the machine has float32 kernels for.
template <class Test>
void on_every_isa(Test&& test) {
  on_isas(supported_float_isas(), test);
}

}  // namespace tuco::cpu
