#include "tuco/devices/cpu/machine_peak.h"

#include <gtest/gtest.h>

#include "tuco/core/parallel.h"

namespace tuco::cpu {
namespace {

// Only what no load on the machine can change.
TEST(MachinePeak, MeasuresAndLeavesTheSettings) {
  const Isa isa = active_isa();
  const int threads = num_threads();
  for (const Isa one : supported_isas()) {
    const ArithmeticPeak peak = measure_arithmetic(one, 2, 0.002);
    EXPECT_GT(peak.flops, 1e8) << isa_name(one);
    EXPECT_GT(peak.int8_ops, 1e8) << isa_name(one);
  }
  const Bandwidth rate = measure_bandwidth(1, 0.003);
  EXPECT_GT(rate.read, 1e8);
  EXPECT_GT(rate.copy, 1e8);
  EXPECT_GT(rate.in_place, 1e8);
  EXPECT_EQ(active_isa(), isa);
  EXPECT_EQ(num_threads(), threads);
}

}  // namespace
}  // namespace tuco::cpu
