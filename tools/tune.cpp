// Measures every entry of the table of convolution algorithms, and writes it. Offline, by hand: the
// table is committed, so that programs never choose by a timing.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>

#include "tuco/core/file.h"
#include "tuco/core/parallel.h"
#include "tuco/core/rng.h"
#include "tuco/devices/cpu/algorithms.h"
#include "tuco/devices/cpu/conv2d_kernels.h"
#include "tuco/devices/cpu/isa.h"
#include "tuco/tools/commands.h"

namespace tuco::tools {
namespace {

using cpu::Algorithm;
using cpu::Pass;
using cpu::ShapeClass;

struct Options {
  std::string out;
  double milliseconds = 20;
  int64_t most_channels = 512;
};

/// A simpler algorithm, which also rounds less, is kept where another is not faster by so much.
constexpr double kMargin = 1.05;
/// A network of layers with more weights than this does not keep them in L2 from one image to the
/// next: so much else is read before each inference, and reading the weights is part of the time.
constexpr int64_t kKeptFloats = int64_t{64} << 10, kOtherFloats = int64_t{16} << 20;
constexpr double kMostProducts = 1e9;  // of one measurement: fewer images where they are large

cpu::AlignedBytes random_floats(int64_t count) {
  Rng rng(1);
  cpu::AlignedBytes values(static_cast<size_t>(count) * sizeof(float));
  for (int64_t i = 0; i < count; ++i) values.as<float>()[i] = rng.uniform() - 0.5f;
  return values;
}

WindowGeometry geometry_of(const ShapeClass& c) {
  const int64_t channels = ShapeClass::kChannels[c.channels], side = ShapeClass::kSides[c.side];
  const double image = 9.0 * static_cast<double>(channels * channels * side * side);
  const auto most = std::max<int64_t>(4, static_cast<int64_t>(kMostProducts / image));
  const int64_t batch = std::min(ShapeClass::kBatches[c.batch], c.batch == 0 ? 1 : most);
  return {batch, side, side, channels, side, side, channels, 3, 1, 1, 1, 1};
}

void run(Pass pass, const WindowGeometry& g, float* x, float* w, float* y,
         const cpu::PackedForms& forms) {
  switch (pass) {
    case Pass::forward:
      return cpu::conv2d_forward<float>(g, x, w, {}, y);
    case Pass::inference:
      return cpu::conv2d_forward<float>(g, x, w, {.low = 0}, y, &forms);
    case Pass::grad_input:
      return cpu::conv2d_grad_input<float>(g, y, w, x);
    case Pass::grad_weight:
      return cpu::conv2d_grad_weight<float>(g, x, y, w);
  }
}

void read(const float* values, int64_t count) {
  float sum = 0;
  for (int64_t i = 0; i < count; i += 16) sum += values[i];
  volatile float sink = sum;
  (void)sink;
}

/// The letter of the fastest algorithm. They take turns, and the best time of each counts.
char fastest(Pass pass, const ShapeClass& c, const Options& options) {
  static const cpu::AlignedBytes other = random_floats(kOtherFloats);
  const WindowGeometry g = geometry_of(c);
  const auto x = random_floats(g.batch * g.in_h * g.in_w * g.in_c),
             w = random_floats(g.out_c * 9 * g.in_c),
             y = random_floats(g.batch * g.out_h * g.out_w * g.out_c);
  const int64_t pixels = g.batch * g.in_h * g.in_w;
  const bool cold = pass == Pass::inference && c.batch == 0 && g.out_c * 9 * g.in_c > kKeptFloats;
  using Clock = std::chrono::steady_clock;
  constexpr char kLetters[] = {'d', '2', '4'};
  double best[cpu::kAlgorithms];
  std::fill(std::begin(best), std::end(best), std::numeric_limits<double>::infinity());
  cpu::PackedForms forms;
  const auto start = Clock::now();
  for (int round = 0; round < 3 || Clock::now() - start < std::chrono::duration<double, std::milli>(
                                                              options.milliseconds);
       ++round)
    for (int a = 0; a < cpu::kAlgorithms; ++a) {
      cpu::force_algorithm(static_cast<Algorithm>(a));
      if (cold) {
        read(other.as<float>(), kOtherFloats);
        read(x.as<float>(), pixels * g.in_c);  // just made by another layer
        read(y.as<float>(), pixels * g.out_c);
      }
      const auto before = Clock::now();
      run(pass, g, x.as<float>(), w.as<float>(), y.as<float>(), forms);
      const std::chrono::duration<double> taken = Clock::now() - before;
      if (round > 0) best[a] = std::min(best[a], taken.count());
    }
  cpu::force_algorithm(std::nullopt);
  int chosen = 0;
  for (int a = 1; a < cpu::kAlgorithms; ++a)
    if (best[a] * kMargin < best[chosen]) chosen = a;
  return kLetters[chosen];
}

void tune(const Options& options) {
  std::string text = fmt::format(
      "// Written by `tuco tune` ({}, {} threads). A column for each side of the output, 2 to 64; "
      "a\n"
      "// string for each number of channels, 16 to 512; d: direct, 2: F(2x2), 4: F(4x4).\n",
      cpu::isa_name(cpu::active_isa()), num_threads());
  for (int p = 0; p < cpu::kPasses; ++p) {
    const auto pass = static_cast<Pass>(p);
    for (int b = 0; b < static_cast<int>(std::size(ShapeClass::kBatches)); ++b) {
      text += fmt::format("// {}, {} images\n{}", cpu::pass_name(pass), b ? "many" : "few",
                          b ? " {" : "{{");
      for (int c = 0; c < static_cast<int>(std::size(ShapeClass::kChannels)); ++c) {
        std::string letters;
        for (int s = 0; s < static_cast<int>(std::size(ShapeClass::kSides)); ++s) {
          const ShapeClass shape{b, c, s};
          const bool measured = ShapeClass::kChannels[c] <= options.most_channels;
          const int entry = static_cast<int>(cpu::table_entry(pass, shape));
          letters += measured ? fastest(pass, shape, options) : "d24"[entry];
        }
        text += fmt::format("{}\"{}\"", c ? ", " : "", letters);
      }
      text += b ? "}},\n" : "},\n";
    }
  }
  if (options.out.empty())
    fmt::print("{}", text);
  else
    write_file(options.out, text);
}

}  // namespace

void add_tune(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("tune", "measure which convolution algorithm is best for which shapes");
  command->add_option("-o,--out", options->out,
                      "the table, devices/cpu/algorithms_table.inc; printed if not given");
  command->add_option("--milliseconds", options->milliseconds, "time for each entry");
  command->add_option("--most-channels", options->most_channels,
                      "entries of more channels stay as they are");
  command->callback([options] { tune(*options); });
}

}  // namespace tuco::tools
