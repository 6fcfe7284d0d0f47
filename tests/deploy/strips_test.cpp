#include "tuco/deploy/strips.h"

#include <gtest/gtest.h>

#include "tests/deploy/device_run.h"
#include "tests/deploy/pointwise_networks.h"
#include "tests/deploy/quantized.h"
#include "tests/deploy/random_models.h"
#include "tuco/core/error.h"
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
