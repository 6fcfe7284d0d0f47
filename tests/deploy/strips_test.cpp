#include "tuco/deploy/strips.h"

#include <gtest/gtest.h>

#include "tests/deploy/device_run.h"
#include "tests/deploy/pointwise_networks.h"
#include "tests/deploy/quantized.h"
#include "tests/deploy/random_models.h"
#include "tuco/core/error.h"
#include "tuco/deploy/cost.h"
#include "tuco/deploy/device_file.h"
#include "tuco/deploy/interpreter.h"
#include "tuco/deploy/memory_plan.h"

namespace tuco::deploy {
namespace {

/// Images that grow before they shrink: the first layers take most of the memory.
test::Network wide_network() {
  test::Builder b(1);
  const auto stem = b.conv("stem", 3, 8, 3, {.padding = 1});
  const auto deep = b.conv("deep", 8, 8, {3, 5}, {.padding = {1, 1, 2, 2}, .groups = 8});
  const auto wide = b.conv("wide", 8, 16, 1, {});
  const auto down = b.conv("down", 16, 16, 3, {.stride = 2, .padding = {0, 1, 0, 1}});
  const auto side = b.conv("side", 16, 16, 3, {.dilation = 2, .padding = 2});
  const auto head = b.dense("head", 16, 3);
  return b.finish(
      [=](const Tensor& x) {
        const Tensor y = relu6(wide(relu(deep(relu(stem(x))))));
        const Tensor z = relu(down(pad(y, {0, 0, 1, 0}, {0, 0, 0, 0})));
        return head(
            mean(z + max_pool2d(side(z), {.kernel = 3, .stride = 1, .padding = 1}), {1, 2}));
      },
      {25, 16, 3});
}

/// Padding as a layer of its own, rows of nothing but padding, and a pool that counts it, or, if it
/// is `beyond`, counts it in part.
test::Network padded_network(bool beyond) {
  test::Builder b(2);
  const auto stem = b.conv("stem", 3, 6, 3, {.stride = 2});
  const auto far = b.conv("far", 6, 5, 1, {.padding = 2});
  const auto head = b.dense("head", 5, 3);
  return b.finish(
      [=](const Tensor& x) {
        const Tensor y = relu(stem(pad(x, {0, 4, 1, 0}, {0, 3, 2, 0})));
        const Tensor z = pad(relu(far(y)), {0, 1, 0, 0}, {0, 5, 0, 0}, 0.25);
        return head(mean(avg_pool2d(z, {.kernel = 3,
                                        .stride = 2,
                                        .padding = 1,
                                        .ceil_mode = beyond,
                                        .count_include_pad = true}),
                         {1, 2}));
      },
      {15, 12, 3});
}

/// Convolutions with pools whose windows do not overlap: strips cost nothing.
test::Network pooled_network(int64_t size, int64_t channels) {
  test::Builder b(3);
  const auto stem = b.conv("stem", 3, channels, 3, {.padding = 1});
  const auto next = b.conv("next", channels, 16, 3, {.padding = 1});
  const auto wide = b.dense("wide", 16 * (size / 4) * (size / 4), 20);
  return b.finish(
      [=](const Tensor& x) {
        Tensor y = x;
        for (const auto& conv : {stem, next})
          y = max_pool2d(relu(conv(y)), {.kernel = 2, .stride = 2});
        return wide(reshape(y, {-1, 16 * (size / 4) * (size / 4)}));
      },
      {size, size, 3});
}

Tensor random_input(const QuantizedModel& model, uint64_t seed) {
  Rng rng(seed);
  Shape shape = model.graph.values[model.graph.inputs[0]].meta.shape;
  shape[0] = 1;
  return test::random_integers(shape, rng);
}

/// What a device with an arena of exactly the planned size gives.
std::vector<int8_t> on_device(const QuantizedModel& model, const Tensor& input) {
  const DeviceFile file = make_device_file(model);
  test::DeviceRun device(file.bytes, static_cast<size_t>(file.arena_bytes));
  EXPECT_EQ(device.status(), TUCO_OK) << "call " << device.call();
  return device.run(input.data<int8_t>());
}

/// Every way to cut the model gives its bytes, in the interpreter and on a device.
int64_t expect_same_in_strips(const QuantizedModel& model, uint64_t seed) {
  const Tensor input = random_input(model, seed);
  const auto expected = interpret(model, input).to_vector<int8_t>();
  int64_t ways = 0;
  for (const int nodes : strip_ends(model))
    for (const int64_t rows : {1, 2, 3, 5, 8}) {
      const QuantizedModel strips = in_strips(model, nodes, rows);
      if (strips.graph.nodes.size() == model.graph.nodes.size()) continue;
      EXPECT_EQ(interpret(strips, input).to_vector<int8_t>(), expected)
          << "after " << nodes << " nodes, of " << rows << " rows";
      EXPECT_EQ(on_device(strips, input), expected)
          << "on a device, after " << nodes << " nodes, of " << rows << " rows";
      ++ways;
    }
  return ways;
}

TEST(Strips, GiveTheModelsBytes) {
  const QuantizedModel model = test::quantized(wide_network());
  // Everything up to the mean, but not between the parts of the sum.
  EXPECT_EQ(strip_ends(model), (std::vector<int>{1, 2, 3, 4, 5, 8})) << model.graph.to_string();
  EXPECT_GE(expect_same_in_strips(model, 1), 20);
}

TEST(Strips, GoThroughPaddingOfRows) {
  const QuantizedModel model = test::quantized(padded_network(false));
  // All but the mean and the linear layer.
  EXPECT_EQ(strip_ends(model), (std::vector<int>{1, 2, 3, 4, 5})) << model.graph.to_string();
  EXPECT_EQ(model.graph.nodes.size(), 7u);
  EXPECT_GE(expect_same_in_strips(model, 2), 20);
  // A window that reaches beyond the padding counts what strips cannot say.
  EXPECT_EQ(strip_ends(test::quantized(padded_network(true))), (std::vector<int>{1, 2, 3, 4}));
}

TEST(Strips, OfRandomNetworksGiveTheirBytes) {
  int64_t ways = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    ways += expect_same_in_strips(test::quantized(test::random_network(seed)), seed);
    ways += expect_same_in_strips(test::quantized(test::random_pointwise_network(seed)), seed);
    ways += expect_same_in_strips(test::random_int8_model(seed), seed);
  }
  EXPECT_GT(ways, 280);
}

TEST(Strips, MakeTheArenaFit) {
  const QuantizedModel model = test::quantized(wide_network());
  const Tensor input = random_input(model, 3);
  const auto expected = interpret(model, input).to_vector<int8_t>();
  const DeviceFile whole = make_device_file(model);
  int64_t products = whole.products;
  for (const int64_t part : {95, 80, 60}) {
    const int64_t limit = whole.arena_bytes * part / 100;
    const DeviceFile file = make_device_file(model, {.arena_bytes = limit});
    EXPECT_LE(file.arena_bytes, limit);
    EXPECT_GE(file.products, products);  // less memory is never cheaper
    EXPECT_LT(file.products, whole.products * 2);
    products = file.products;
    // The strips share their weights.
    EXPECT_EQ(file.constants.weights, whole.constants.weights);
    test::DeviceRun device(file.bytes, static_cast<size_t>(file.arena_bytes));
    ASSERT_EQ(device.status(), TUCO_OK);
    EXPECT_EQ(device.run(input.data<int8_t>()), expected);
  }
  EXPECT_EQ(make_device_file(model, {.arena_bytes = whole.arena_bytes}).bytes, whole.bytes);
}

TEST(Strips, AreMadeWhereTheyCostNothing) {
  const QuantizedModel model = test::quantized(pooled_network(24, 12), Rounding::kDouble, 2, 4);
  const DeviceFile whole = make_device_file(model, {.strips = false});
  const DeviceFile strips = make_device_file(model);
  EXPECT_EQ(strips.products, whole.products);
  EXPECT_LT(4 * strips.arena_bytes, 3 * whole.arena_bytes);
  EXPECT_EQ(strips.constants.weights, whole.constants.weights);
  // What a call may take, and the windows of the first and last strips.
  EXPECT_LT(strips.bytes.size(), whole.bytes.size() + whole.bytes.size() / 50 + 200);
  const Tensor input = random_input(model, 5);
  EXPECT_EQ(on_device(device_model(model), input), interpret(model, input).to_vector<int8_t>());
}

TEST(Strips, AreNotMadeWhereTheyCostMore) {
  // Overlapping windows: rows would be computed twice.
  const QuantizedModel overlapping = test::quantized(wide_network());
  EXPECT_EQ(make_device_file(overlapping).bytes,
            make_device_file(overlapping, {.strips = false}).bytes);
  // Few weights: code for the calls would be more than its share.
  test::Builder b(4);
  const auto stem = b.conv("stem", 3, 8, 3, {.padding = 1});
  const QuantizedModel small = test::quantized(
      b.finish([=](const Tensor& x) { return max_pool2d(stem(x), {.kernel = 2, .stride = 2}); },
               {16, 16, 3}),
      Rounding::kDouble, 2, 4);
  ASSERT_EQ(strip_ends(small), (std::vector<int>{1, 2}));
  EXPECT_EQ(products_of(in_strips(small, 2, 2).graph), products_of(small.graph));
  EXPECT_LT(plan_memory(in_strips(small, 2, 2)).arena_bytes, plan_memory(small).arena_bytes);
  EXPECT_EQ(make_device_file(small).bytes, make_device_file(small, {.strips = false}).bytes);
}

TEST(Strips, CanBeForbidden) {
  const QuantizedModel model = test::quantized(pooled_network(24, 12), Rounding::kDouble, 2, 4);
  EXPECT_EQ(device_model(model, {.strips = false}).graph.to_string(), model.graph.to_string());
  const int64_t bytes = plan_memory(model).arena_bytes;
  make_device_file(model, {.arena_bytes = bytes, .strips = false});
  try {
    make_device_file(model, {.arena_bytes = bytes - 1, .strips = false});
    FAIL() << "the arena became smaller without strips";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("without strips"), std::string::npos) << error.what();
  }
}

TEST(Strips, SayHowSmallTheArenaCanGet) {
  const QuantizedModel model = test::quantized(wide_network());
  try {
    make_device_file(model, {.arena_bytes = 100});
    FAIL() << "100 bytes were enough";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("cannot be made smaller than"), std::string::npos)
        << error.what();
    EXPECT_NE(std::string(error.what()).find("and 100 are allowed"), std::string::npos);
  }
  EXPECT_THROW(in_strips(model, 1000, 2), Error);
  EXPECT_THROW(in_strips(model, 1, 0), Error);
}

TEST(Strips, LowerBoundsHold) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    const QuantizedModel model = test::quantized(test::random_network(seed));
    for (const int nodes : strip_ends(model)) {
      const MemoryPlan plan = plan_memory(in_strips(model, nodes, 2));
      EXPECT_LE(plan.lower_bound, plan.arena_bytes) << seed << " after " << nodes;
    }
  }
}

}  // namespace
}  // namespace tuco::deploy
