#include "tuco/devices/cpu/lstm_kernels.h"

#include "tuco/tests/devices/kernel_test.h"

namespace tuco::cpu {
namespace {

struct Case {
  int64_t sequences, units;
  double cell_clip, spread;
};

// What a step leaves, and its gradient; rows are farther apart than they need be.
template <class T>
struct Results {
  std::vector<T> gates, after, hidden, cell, sums;
};

template <class T>
std::vector<T> normal(int64_t count, uint64_t seed, double spread) {
  const std::vector<float> values = normal_values(count, seed);
  std::vector<T> scaled;
  for (const float v : values) scaled.push_back(static_cast<T>(v * static_cast<float>(spread)));
  return scaled;
}

template <class T>
Results<T> run(const Case& s) {
  const int64_t row = s.units + 2, gates_row = 4 * s.units + 3;
  const auto before = normal<T>(s.sequences * row, 2, 1),
             output = normal<T>(s.sequences * row, 4, 1),
             hidden = normal<T>(s.sequences * row, 5, 1);
  Results<T> r{normal<T>(s.sequences * gates_row, 1, s.spread), before,
               std::vector<T>(s.sequences * row), normal<T>(s.sequences * row, 3, 1),
               std::vector<T>(s.sequences * gates_row)};
  // The cells before give way to those after, as where only the last ones are kept.
  lstm_step<T>({s.sequences,
                s.units,
                s.cell_clip,
                {r.gates.data(), gates_row},
                {r.after.data(), row},
                {r.after.data(), row},
                {r.hidden.data(), row}});
  lstm_step_backward<T>({s.sequences,
                         s.units,
                         s.cell_clip,
                         {r.gates.data(), gates_row},
                         {before.data(), row},
                         {r.after.data(), row},
                         {output.data(), row},
                         {hidden.data(), row},
                         {r.cell.data(), row},
                         {r.sums.data(), gates_row}});
  return r;
}

// Float64 is the formulas, which the gradient checks of the ops hold to their own derivatives.
TEST(LstmKernels, Float32EqualsFloat64) {
  for (const Case& s : {Case{1, 1, 0, 1},
                        {3, 7, 0, 1},
                        {2, 16, 0.5, 1},
                        {5, 33, 0, 3},
                        {2, 20, 1.25, 2},
                        {4, 40, 0, 20},
                        {1, 65, 0, 1e4}}) {
    SCOPED_TRACE(
        fmt::format("{} x {}, clip {}, sums of {}", s.sequences, s.units, s.cell_clip, s.spread));
    const Results<double> exact = run<double>(s);
    on_every_isa([&] {
      const Results<float> got = run<float>(s);
      expect_close(got.gates, exact.gates, 1e-6);
      expect_close(got.after, exact.after, 1e-6);
      expect_close(got.hidden, exact.hidden, 1e-6);
      expect_close(got.cell, exact.cell, 2e-6);
      expect_close(got.sums, exact.sums, 1e-5);
    });
  }
}

TEST(LstmKernels, InfinitiesSaturateAndNaNStays) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const float nan = std::nanf("");
  on_every_isa([&] {
    // Gates of three units: open with a cell input of 1 and -1, and one whose input gate is NaN.
    std::vector<float> gates = {kInfinity, kInfinity,  nan,  kInfinity, kInfinity,  0,
                                kInfinity, -kInfinity, 0.5f, kInfinity, -kInfinity, 0};
    std::vector<float> cells = {2, 3, 4}, hidden(3);
    lstm_step<float>(
        {1, 3, 0, {gates.data(), 12}, {cells.data(), 3}, {cells.data(), 3}, {hidden.data(), 3}});
    EXPECT_EQ(cells[0], 3);
    EXPECT_EQ(cells[1], 2);
    EXPECT_NEAR(hidden[0], std::tanh(3.0), 1e-6);
    EXPECT_EQ(hidden[1], 0);
    EXPECT_TRUE(std::isnan(cells[2]) && std::isnan(hidden[2]));
  });
}

}  // namespace
}  // namespace tuco::cpu
