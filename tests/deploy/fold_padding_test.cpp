#include "tuco/deploy/fold_padding.h"

#include <gtest/gtest.h>

#include "tests/deploy/device_run.h"
#include "tests/deploy/quantized.h"
#include "tests/deploy/random_draws.h"
#include "tests/deploy/random_layers.h"
#include "tests/deploy/random_models.h"
#include "tuco/deploy/check_model.h"
#include "tuco/deploy/device_file.h"
#include "tuco/deploy/interpreter.h"
#include "tuco/deploy/memory_plan.h"

namespace tuco::deploy {
namespace {

/// A stem, a depthwise and a dilated convolution whose padding stands apart or not.
QuantizedModel padded_model(bool apart) {
  test::Builder b(1);
  const auto padding = [=](const Padding& p) { return apart ? Padding(0) : p; };
  const auto stem = b.conv("stem", 3, 8, 3, {.stride = 2, .padding = padding(1)});
  const auto deep =
      b.conv("deep", 8, 8, 3, {.stride = 2, .padding = padding({0, 1, 0, 1}), .groups = 8});
  const auto wide =
      b.conv("wide", 8, 8, 3, {.dilation = 2, .padding = apart ? Padding(1) : Padding(3, 1, 2, 4)});
  const auto head = b.dense("head", 8, 3);
  const auto before = [=](const Tensor& x, const Shape& low, const Shape& high) {
    return apart ? pad(x, low, high) : x;
  };
  return test::quantized(b.finish(
      [=](const Tensor& x) {
        const Tensor y = relu(stem(before(x, {0, 1, 1, 0}, {0, 1, 1, 0})));
        const Tensor z = relu(deep(before(y, {0, 0, 0, 0}, {0, 1, 1, 0})));
        return head(mean(wide(before(z, {0, 2, 1, 0}, {0, 0, 3, 0})), {1, 2}));
      },
      {31, 18, 3}));
}

void expect_same_bytes(const QuantizedModel& model) {
  Rng rng(5);
  Shape shape = model.graph.values[model.graph.inputs[0]].meta.shape;
  shape[0] = 1;
  const Tensor input = test::random_integers(shape, rng);
  const auto expected = interpret(model, input).to_vector<int8_t>();
  EXPECT_EQ(interpret(fold_padding(model), input).to_vector<int8_t>(), expected);
  const DeviceFile file = make_device_file(model);
  test::DeviceRun device(file.bytes, static_cast<size_t>(file.arena_bytes));
  ASSERT_EQ(device.status(), TUCO_OK);
  EXPECT_EQ(device.run(input.data<int8_t>()), expected);
}

int64_t pads_of(const QuantizedModel& model) {
  return std::ranges::count_if(model.graph.nodes, [](const Graph::Node& node) {
    return std::holds_alternative<op::Pad>(node.op);
  });
}

TEST(FoldPadding, GivesWhatPaddedConvolutionsDo) {
  const QuantizedModel apart = padded_model(true), whole = padded_model(false);
  ASSERT_EQ(pads_of(apart), 3);
  EXPECT_EQ(pads_of(fold_padding(apart)), 0);
  EXPECT_EQ(make_device_file(apart).bytes, make_device_file(whole).bytes);
  EXPECT_LT(plan_memory(fold_padding(apart)).arena_bytes, plan_memory(apart).arena_bytes);
  expect_same_bytes(apart);
}

/// What becomes of padding by `value` before this function of 6 channels.
int64_t pads_left(const Shape& before, double value, int64_t channels, Hw kernel,
                  const std::function<Tensor(const Tensor& padded, const Tensor& sum)>& finish) {
  test::Builder b(2);
  const auto stem = b.conv("stem", 3, 6, 3, {});
  const auto next = b.conv("next", channels, 6, kernel, {});
  const QuantizedModel model = test::quantized(b.finish(
      [=](const Tensor& x) {
        const Tensor padded = pad(relu(stem(x)), before, {0, 0, 0, 0}, value);
        return finish(padded, next(padded));
      },
      {12, 12, 3}));
  expect_same_bytes(model);
  return pads_of(fold_padding(model));
}

TEST(FoldPadding, LeavesWhatIsNoConvolutionsPadding) {
  const auto alone = [](const Tensor&, const Tensor& sum) { return sum; };
  EXPECT_EQ(pads_left({0, 1, 2, 0}, 0, 6, 3, alone), 0);
  EXPECT_EQ(pads_left({0, 1, 2, 0}, 0.5, 6, 3, alone), 1);     // no zeros
  EXPECT_EQ(pads_left({0, 1, 2, 1}, 0, 7, 3, alone), 1);       // channels
  EXPECT_EQ(pads_left({0, 1, 3, 0}, 0, 6, 3, alone), 1);       // columns of nothing but padding
  EXPECT_EQ(pads_left({0, 1, 0, 0}, 0, 6, {1, 3}, alone), 1);  // rows
  // Someone else wants the padded image.
  EXPECT_EQ(pads_left({0, 1, 1, 0}, 0, 6, 3,
                      [](const Tensor& padded, const Tensor& sum) {
                        return max_pool2d(padded, {.kernel = 3, .stride = 1}) + sum;
                      }),
            1);
}

/// A random convolution of an image with up to two rows and columns of padding at each side.
QuantizedModel random_padded(Rng& rng) {
  QuantizedModel model = test::random_convolution(rng, 24).model;
  Graph& graph = model.graph;
  Graph::Value image = graph.values[graph.inputs[0]];
  op::Pad pad{{0, 0, 0, 0}, {0, 0, 0, 0}};
  for (const int dim : {1, 2})
    for (Shape* side : {&pad.before, &pad.after}) {
      (*side)[dim] = test::between(rng, 0, std::min<int64_t>(2, image.meta.shape[dim] - 1));
      image.meta.shape[dim] -= (*side)[dim];
    }
  const int padded = graph.inputs[0];
  graph.inputs = {graph.add_value(image)};
  graph.nodes.insert(graph.nodes.begin(), {.op = pad, .inputs = graph.inputs, .outputs = {padded}});
  return model;
}

TEST(FoldPadding, RandomConvolutionsKeepTheirBytes) {
  Rng rng(3);
  int folded = 0;
  for (int i = 0; i < 300; ++i) {
    SCOPED_TRACE(i);
    const QuantizedModel model = random_padded(rng);
    check_model(model);
    folded += pads_of(fold_padding(model)) == 0;
    expect_same_bytes(model);
  }
  EXPECT_GT(folded, 50);
  EXPECT_LT(folded, 250);
}

}  // namespace
}  // namespace tuco::deploy
