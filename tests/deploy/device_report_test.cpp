#include "tuco/deploy/device_report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "tests/deploy/quantized.h"
#include "tests/deploy/random_models.h"
#include "tuco/core/error.h"
#include "tuco/deploy/export_c.h"
#include "tuco/deploy/strips.h"

namespace tuco::deploy {
namespace {

QuantizedModel small_model() { return test::quantized(test::small_network()); }

/// One convolution of 3x3 over a square image.
QuantizedModel convolution(int64_t size, int64_t channels) {
  test::Builder b(7);
  const auto conv = b.conv("conv", channels, channels, 3, {.padding = 1});
  return test::quantized(b.finish(conv, {size, size, channels}), Rounding::kDouble, 2, 4);
}

void expect_equal(const ConstantBytes& a, const ConstantBytes& b) {
  EXPECT_EQ(a.weights, b.weights);
  EXPECT_EQ(a.biases, b.biases);
  EXPECT_EQ(a.multipliers, b.multipliers);
  EXPECT_EQ(a.others, b.others);
}

void expect_generated_numbers(const QuantizedModel& model) {
  const DeviceReport report = make_device_report(model, "net");
  const CSource c = generate_c(model, "net");
  expect_equal(report.constants, c.constants);
  EXPECT_EQ(report.products, c.products);
  EXPECT_EQ(report.arena_bytes, c.arena_bytes);
  EXPECT_EQ(report.arena_lower_bound, c.arena_lower_bound);
  ASSERT_EQ(report.layers.size(), c.layers.size());
  ConstantBytes sum;
  int64_t products = 0;
  for (size_t i = 0; i < report.layers.size(); ++i) {
    const DeviceLayer& layer = report.layers[i];
    expect_equal(layer.constants, c.layers[i]);
    sum.weights += layer.constants.weights;
    sum.biases += layer.constants.biases;
    sum.multipliers += layer.constants.multipliers;
    sum.others += layer.constants.others;
    products += layer.products;
    EXPECT_LE(layer.live_bytes, report.arena_bytes);
    EXPECT_LE(layer.scratch_bytes, layer.live_bytes);
    // A layer calls a kernel in the generated file, or has no function there.
    EXPECT_EQ(!layer.work.kernel.empty(),
              c.source.find("net_layer_" + std::to_string(i) + "(arena);") != std::string::npos)
        << i;
    if (!layer.work.kernel.empty()) {
      EXPECT_NE(c.source.find("tuco_" + layer.work.kernel), std::string::npos);
    }
  }
  expect_equal(report.constants, sum);
  EXPECT_EQ(report.products, products);
}

/// No byte belongs to two values, but where a layer writes over the input that it reads for the
/// last time, or strips over the rows of theirs that are done, of which a concatenation may have
/// several; and what lives reaches the arena's end.
void expect_plan(const DeviceReport& report, bool has_strips) {
  int64_t end = 0;
  const auto& places = report.places;
  for (size_t b = 0; b < places.size(); ++b) {
    EXPECT_GE(places[b].offset, 0);
    EXPECT_GT(places[b].size, 0);
    EXPECT_LE(places[b].first, places[b].last);
    end = std::max(end, places[b].offset + places[b].size);
    for (size_t a = 0; a < b; ++a) {
      const bool together = places[a].first <= places[b].last &&
                            places[b].first <= places[a].last &&
                            places[a].offset < places[b].offset + places[b].size &&
                            places[b].offset < places[a].offset + places[a].size;
      if (!together || has_strips) continue;
      EXPECT_TRUE(places[b].over == static_cast<int>(a) || places[b].name.starts_with("concat"))
          << places[a].name << ", " << places[b].name;
      EXPECT_EQ(places[b].first, places[a].last) << places[a].name << ", " << places[b].name;
    }
  }
  EXPECT_LE(end, report.arena_bytes);
  EXPECT_GT(end, report.arena_bytes - 4);  // its size is a multiple of four
}

TEST(DeviceReport, HasTheGeneratorsNumbers) {
  expect_generated_numbers(small_model());
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    expect_generated_numbers(test::random_int8_model(seed));
  }
}

TEST(DeviceReport, PlacesDoNotOverlapUnlessTheyMay) {
  expect_plan(make_device_report(small_model(), "net"), false);
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    const QuantizedModel model = test::random_int8_model(seed);
    const DeviceReport whole = make_device_report(model, "net", {}, {.strips = false});
    const DeviceReport report = make_device_report(model, "net");
    expect_plan(whole, false);
    expect_plan(report, report.layers.size() > whole.layers.size());
  }
}

TEST(DeviceReport, LiveBytesAreThoseOfThePlaces) {
  const DeviceReport report = make_device_report(convolution(8, 4), "net");
  // Input and output of 256 bytes and the scratch of two windows of 36 int16: the output may begin
  // 36 bytes and more before its input, so that both together take less than twice 256.
  ASSERT_EQ(report.layers.size(), 1u);
  EXPECT_EQ(report.layers[0].scratch_bytes, 2 * 36 * 2);
  EXPECT_EQ(report.layers[0].live_bytes, report.arena_bytes);
  EXPECT_GT(report.layers[0].live_bytes, 256 + 2 * 36 * 2);
  EXPECT_LT(report.layers[0].live_bytes, 2 * 256 + 2 * 36 * 2);
  EXPECT_EQ(report.input_bytes, 256);
  EXPECT_EQ(report.output_bytes, 256);
}

TEST(DeviceReport, BoardsFollowFromTheirCores) {
  const DeviceReport report = make_device_report(small_model(), "net");
  ASSERT_EQ(report.boards.size(), device_boards().size());
  ASSERT_EQ(report.cores.size(), cores().size());
  for (const CoreCost& core : report.cores) {
    SCOPED_TRACE(name(core.core));
    EXPECT_FALSE(core.measured);
    double sum = 0;
    for (const double layer : core.layers) sum += layer;
    EXPECT_DOUBLE_EQ(core.instructions.typical, sum);
    EXPECT_LT(core.instructions.low, core.instructions.typical);
    EXPECT_LT(core.instructions.typical, core.instructions.high);
    EXPECT_GT(core.code_bytes, 500);
    EXPECT_LT(core.code_bytes, 20000);
    EXPECT_GT(core.stack_bytes, 0);
  }
  for (const BoardEstimate& b : report.boards) {
    SCOPED_TRACE(b.board.name);
    const CoreCost& core = report.cost(b.board.core);
    EXPECT_EQ(b.flash_bytes, report.constants.total() + core.code_bytes);
    EXPECT_EQ(b.ram_bytes, report.arena_bytes + core.stack_bytes);
    EXPECT_TRUE(b.fits());
    double layers = 0;
    for (const double layer : b.layer_milliseconds) layers += layer;
    EXPECT_EQ(b.layer_milliseconds.size(), report.layers.size());
    EXPECT_NEAR(layers, b.milliseconds.typical, 1e-9);
    for (const auto member : {&Estimate::low, &Estimate::typical, &Estimate::high}) {
      const double cycles = core.instructions.*member * b.board.cycles_per_instruction.*member;
      EXPECT_DOUBLE_EQ(b.cycles.*member, cycles);
      EXPECT_NEAR(b.milliseconds.*member * b.board.megahertz * 1000, cycles, cycles * 1e-9);
      EXPECT_NEAR(b.millijoules.*member * 1e9, cycles * b.board.picojoules_per_cycle.*member,
                  cycles * 1e-6);
    }
    for (const Estimate& e : {b.board.cycles_per_instruction, b.board.picojoules_per_cycle}) {
      EXPECT_GT(e.low, 0);
      EXPECT_LE(e.low, e.typical);
      EXPECT_LE(e.typical, e.high);
    }
  }
}

TEST(DeviceReport, EstimatesAreWrittenWithThreeDigits) {
  EXPECT_EQ((Estimate{0.01234, 1.5, 98.76}.to_string()), "1.50 (0.0123 to 98.8)");
  EXPECT_EQ((Estimate{99.4, 123.4, 1234567.8}.to_string()), "123 (99.4 to 1,234,568)");
  EXPECT_EQ(figure(0), "0.0000");
  EXPECT_EQ(figure(99.96), "100");
}

TEST(DeviceReport, MoreWorkTakesLonger) {
  const DeviceReport reports[] = {make_device_report(convolution(8, 8), "net"),
                                  make_device_report(convolution(16, 8), "net"),
                                  make_device_report(convolution(16, 16), "net")};
  for (size_t i = 0; i + 1 < std::size(reports); ++i)
    for (size_t b = 0; b < reports[i].boards.size(); ++b) {
      const BoardEstimate &less = reports[i].boards[b], &more = reports[i + 1].boards[b];
      EXPECT_LT(1.5 * less.milliseconds.typical, more.milliseconds.typical);
      EXPECT_LT(1.5 * less.millijoules.typical, more.millijoules.typical);
      EXPECT_LE(less.ram_bytes, more.ram_bytes);
      EXPECT_LE(less.flash_bytes, more.flash_bytes);
    }
}

/// What the function of a layer does in generated C; empty where there is none.
std::string function_text(const CSource& c, size_t layer) {
  const std::string head = "net_layer_" + std::to_string(layer) + "(int8_t* arena) {";
  const size_t begin = c.source.find(head);
  if (begin == std::string::npos) return "";
  return c.source.substr(begin + head.size(), c.source.find("\n}", begin) - begin - head.size());
}

TEST(DeviceReport, FunctionsThatAreAlikeAreThereOnce) {
  // Of three convolutions the middle one has its input and output at the same places in all strips.
  test::Builder b(9);
  const auto first_conv = b.conv("a", 3, 8, 3, {.padding = 1});
  const auto middle = b.conv("b", 8, 8, 3, {.padding = 1});
  const auto last = b.conv("c", 8, 8, 3, {.padding = 1});
  const QuantizedModel whole = test::quantized(
      b.finish([=](const Tensor& x) { return last(middle(first_conv(x))); }, {24, 16, 3}),
      Rounding::kDouble, 2, 4);
  const QuantizedModel strips = in_strips(whole, 3, 3);
  const DeviceReport report = make_device_report(strips, "net", {}, {.strips = false});
  const CSource c = generate_c(strips, "net", {.strips = false});
  std::set<std::string> functions;
  std::vector<KernelWork> works, first;
  for (size_t i = 0; i < report.layers.size(); ++i) {
    const KernelWork& work = report.layers[i].work;
    if (work.kernel.empty()) continue;
    EXPECT_EQ(work.repeated, !functions.insert(function_text(c, i)).second) << i;
    works.push_back(work);
    if (!work.repeated) first.push_back(work);
  }
  EXPECT_GE(works.size(), 24u);
  EXPECT_LT(functions.size(), works.size());
  for (const Core core : cores()) {
    SCOPED_TRACE(name(core));
    EXPECT_EQ(estimate_code_bytes(core, works), estimate_code_bytes(core, first));
    // A kernel with two callers is there once, and not made for one of them.
    const double one = estimate_code_bytes(core, {first[0]});
    const double two = estimate_code_bytes(core, {first[0], first[0]});
    const double three = estimate_code_bytes(core, {first[0], first[0], first[0]});
    EXPECT_GT(two - one, three - two);
    EXPECT_GT(three - two, 0);
  }
}

TEST(DeviceReport, MeasuresTakeTheEstimatesPlace) {
  const QuantizedModel model = small_model();
  const size_t layers = make_device_report(model, "net").layers.size();
  CoreCost m4{.core = Core::kCortexM4,
              .measured = true,
              .instructions = {1e6, 1e6, 1e6},
              .layers = std::vector<double>(layers, 1e6 / static_cast<double>(layers)),
              .code_bytes = 4321,
              .stack_bytes = 99};
  const DeviceReport report = make_device_report(model, "net", {m4});
  for (const BoardEstimate& b : report.boards) {
    EXPECT_EQ(b.measured, b.board.core == Core::kCortexM4);
    if (!b.measured) continue;
    EXPECT_EQ(b.flash_bytes, report.constants.total() + 4321);
    EXPECT_EQ(b.ram_bytes, report.arena_bytes + 99);
    EXPECT_DOUBLE_EQ(b.cycles.typical, 1e6 * b.board.cycles_per_instruction.typical);
  }
  EXPECT_NE(report.to_text().find("measured"), std::string::npos);
  m4.layers.pop_back();
  EXPECT_THROW(make_device_report(model, "net", {m4}), Error);
}

TEST(DeviceReport, WhatDoesNotFitIsSaid) {
  QuantizedModel model = convolution(160, 12);
  const DeviceReport report = make_device_report(model, "net");
  const auto nano = std::ranges::find(report.boards, "nRF52840",
                                      [](const BoardEstimate& b) { return b.board.chip; });
  ASSERT_NE(nano, report.boards.end());
  EXPECT_FALSE(nano->fits());
  EXPECT_NE(report.to_text().find(" no "), std::string::npos);
}

TEST(DeviceReport, JsonHoldsWhatTheReportHolds) {
  QuantizedModel model = small_model();
  model.graph.nodes[0].name = "quote \" and \xff byte";
  const DeviceReport report = make_device_report(model, "<script>");
  const auto json = nlohmann::json::parse(report.to_json());
  EXPECT_EQ(json["name"], "<script>");
  EXPECT_EQ(json["arena_bytes"], report.arena_bytes);
  EXPECT_EQ(json["constants"]["total"], report.constants.total());
  ASSERT_EQ(json["layers"].size(), report.layers.size());
  ASSERT_EQ(json["memory"].size(), report.places.size());
  ASSERT_EQ(json["boards"].size(), report.boards.size());
  for (size_t i = 0; i < report.layers.size(); ++i) {
    EXPECT_EQ(json["layers"][i]["products"], report.layers[i].products);
    EXPECT_EQ(json["layers"][i]["live_bytes"], report.layers[i].live_bytes);
  }
  for (size_t i = 0; i < report.boards.size(); ++i)
    EXPECT_EQ(json["boards"][i]["milliseconds"]["typical"], report.boards[i].milliseconds.typical);
  EXPECT_EQ(report.to_json(), make_device_report(model, "<script>").to_json());
}

}  // namespace
}  // namespace tuco::deploy
