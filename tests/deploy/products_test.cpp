// The fast kernels of the device runtime against the reference interpreter, in every byte, at
// random sizes, with input and output as close to each other as the memory plan may put them.
#include "tuco/deploy/ops/products.h"

#include <gtest/gtest.h>

#include <map>
#include "tests/deploy/random_models.h"

#include "tuco/autograd/functions.h"
#include "tuco/core/rng.h"
#include "tuco/deploy/device_memory.h"
#include "tuco/deploy/runtime/columns.h"
#include "tuco/deploy/runtime/plane.h"
#include "tuco/deploy/runtime/row.h"
#include "tuco/deploy/runtime/taps.h"

namespace tuco::deploy {
namespace {

int64_t between(Rng& rng, int64_t low, int64_t high) {
  return low + rng.below(static_cast<uint32_t>(high - low + 1));
}

/// A graph of one convolution or linear layer, with random constants.
QuantizedModel one_layer(const op::Any& op, const Shape& input, const Shape& weight, Rng& rng) {
  QuantizedModel model;
  Graph& graph = model.graph;
  const float in_scale = rng.uniform(0.01f, 0.2f);
  const auto zero_point = [&] { return static_cast<int32_t>(between(rng, -128, 127)); };
  graph.inputs = {graph.add_value(
      {"x", {input, DType::int8}, {}, Quantization{{in_scale}, {zero_point()}, -1}})};
  const int64_t channels = weight[0];
  Quantization scales{{}, std::vector<int32_t>(channels, 0), 0};
  const bool per_channel = rng.below(3) > 0;
  for (int64_t c = 0; c < channels; ++c)
    scales.scale.push_back(c && !per_channel ? scales.scale[0] : rng.uniform(0.001f, 0.02f));
  // Now and then a weight of -128, which files of others hold.
  const Tensor w = test::random_integers(weight, rng, rng.below(8) ? -127 : -128, 127);
  const int wv = graph.add_value({"w", w.meta(), w, scales});
  std::vector<int> inputs = {graph.inputs[0], wv};
  if (rng.below(4)) {
    std::vector<int32_t> bias(channels);
    for (int32_t& b : bias) b = static_cast<int32_t>(between(rng, -20000, 20000));
    const Tensor b = from_values(bias, {channels});
    inputs.push_back(graph.add_value({"b", b.meta(), b, scales}));
  }
  Shape output = input;
  if (const auto* conv = std::get_if<op::Conv2d>(&op)) {
    const WindowGeometry g = geometry(*conv, input, weight);
    output = {1, g.out_h, g.out_w, g.out_c};
  } else {
    output[output.rank() - 1] = channels;
  }
  const float out_scale = rng.uniform(0.05f, 3.0f);
  const int out = graph.add_value(
      {"y", {output, DType::int8}, {}, Quantization{{out_scale}, {zero_point()}, -1}});
  graph.outputs = {out};
  Graph::Node node{op, inputs, {out}};
  if (rng.below(2))
    node.activation = op::Clamp{0, rng.below(2) ? 6 : std::numeric_limits<double>::infinity()};
  graph.nodes.push_back(node);
  return model;
}

template <class T>
std::vector<T> narrowed(const std::vector<int32_t>& values) {
  return {values.begin(), values.end()};
}

void run(const Product& product, const QuantizedNode& node, int8_t* out, const int8_t* in,
         int16_t* scratch) {
  const WindowGeometry& g = product.geometry;
  const auto int16 = [](int64_t value) { return static_cast<int16_t>(value); };
  const tuco_window window = {
      int16(g.in_h),        int16(g.in_w),           int16(g.in_c),         int16(g.out_h),
      int16(g.out_w),       int16(g.out_c),          int16(g.kernel.h),     int16(g.kernel.w),
      int16(g.stride.h),    int16(g.stride.w),       int16(g.dilation.h),   int16(g.dilation.w),
      int16(g.padding.top), int16(g.padding.bottom), int16(g.padding.left), int16(g.padding.right),
      int16(g.groups)};
  const auto pairs = narrowed<int16_t>(product.weights);
  const auto bytes = narrowed<int8_t>(product.weights);
  const FinishTables& tables = product.finish;
  const auto channels = interleaved(tables);
  const auto [low, high] = node.bounds();
  const int32_t zero_point = node.input_zero_point(0);
  switch (product.kernel) {
    case ProductKernel::kPlain:
      break;
    case ProductKernel::kColumns:
      return tuco_conv2d_columns(out, in, scratch, pairs.data(), &window, zero_point,
                                 channels.data(), node.output_zero_point(), low, high);
    case ProductKernel::kPointwise:
      return tuco_pointwise_columns(out, in, scratch, pairs.data(),
                                    static_cast<int32_t>(g.out_h * g.out_w), window.in_c,
                                    window.out_c, device_memory(node).descending, channels.data(),
                                    node.output_zero_point(), low, high);
    case ProductKernel::kRow:
      return tuco_fully_connected_row(
          out, in, pairs.data(), static_cast<int32_t>(g.in_h * g.in_w * g.in_c), window.out_c,
          tables.biases.data(), tables.multipliers.data(), tables.multipliers.size() > 1,
          node.output_zero_point(), low, high);
    case ProductKernel::kPlane:
      return tuco_depthwise_plane(out, in, scratch, bytes.data(), window.in_h, window.in_w,
                                  window.out_h, window.out_w, window.in_c, window.pad_top,
                                  window.pad_left, zero_point, channels.data(),
                                  node.output_zero_point(), low, high);
    case ProductKernel::kTaps:
      return tuco_depthwise_taps(out, in, bytes.data(), &window, zero_point, channels.data(),
                                 node.output_zero_point(), low, high);
  }
}

/// Whether the kernel gives the interpreter's bytes and touches no other.
void expect_same_bytes(const QuantizedModel& model, Rng& rng, std::map<ProductKernel, int>& seen) {
  const QuantizedNode node{model.graph, model.graph.nodes[0], model.rounding};
  Product product;
  std::visit(
      [&]<class Op>(const Op& op) {
        if constexpr (op::in_list<Op, op::TypeList<op::Conv2d, op::Linear>>)
          product = make_product(op, node);
      },
      node.node.op);
  ++seen[product.kernel];
  if (product.kernel == ProductKernel::kPlain) return;
  const Tensor x = test::random_integers(node.input(0).meta.shape, rng, -128, 127);
  std::vector<Tensor> in = {x};
  for (int i = 1; i < node.inputs(); ++i) in.push_back(node.input(i).constant);
  Tensor expected = empty(node.output().meta.shape, {DType::int8});
  std::visit(
      [&]<class Op>(const Op& op) {
        if constexpr (op::in_list<Op, op::TypeList<op::Conv2d, op::Linear>>)
          interpret(op, node, in, expected);
      },
      node.node.op);
  const NodeMemory memory = device_memory(node);
  const int64_t in_size = x.numel(), out_size = expected.numel();
  constexpr int64_t kGuard = 64;
  // Apart, and then as close as the plan may put them, on a word for the input.
  for (int turn = 0; turn < 2; ++turn) {
    int64_t distance = (out_size + 3) / 4 * 4;
    if (turn && memory.in_place)
      distance = in_size == out_size ? 0 : distance;
    else if (turn && !memory.lead.empty())
      distance = memory.descending ? -(*memory.lead[0] + 3) / 4 * 4
                                   : (*memory.lead[0] + 4 * in_size + 3) / 4 * 4 - 4 * in_size;
    const int64_t out_at = kGuard + std::max<int64_t>(0, -distance), in_at = out_at + distance;
    const int64_t end = std::max(in_at + in_size, out_at + out_size);
    std::vector<int8_t> arena(end + kGuard, 0x5a);
    std::vector<int16_t> scratch((memory.scratch + 1) / 2 + 8, 0x5a5a);
    std::copy_n(x.data<int8_t>(), in_size, arena.begin() + in_at);
    run(product, node, arena.data() + out_at, arena.data() + in_at, scratch.data());
    int64_t wrong = 0;
    for (int64_t i = 0; i < out_size; ++i) wrong += arena[out_at + i] != expected.data<int8_t>()[i];
    for (int64_t i = 0; i < kGuard; ++i) wrong += arena[i] != 0x5a || arena[end + i] != 0x5a;
    for (size_t i = (memory.scratch + 1) / 2; i < scratch.size(); ++i)
      wrong += scratch[i] != 0x5a5a;
    ASSERT_EQ(wrong, 0) << model.graph.to_string() << "kernel " << static_cast<int>(product.kernel)
                        << ", distance " << distance;
  }
}

op::Conv2d random_convolution(Rng& rng, Shape& input, Shape& weight) {
  const bool depthwise = rng.below(2);
  const int64_t channels = between(rng, 1, 9) * (rng.below(2) ? 4 : 1);
  const int64_t out = depthwise ? channels : between(rng, 1, 11);
  const bool plain = rng.below(2);  // what most networks have
  const Hw kernel = plain ? Hw(rng.below(2) ? 3 : 1) : Hw(between(rng, 1, 4), between(rng, 1, 4));
  const Hw dilation = plain ? 1 : Hw(between(rng, 1, 2), between(rng, 1, 2));
  op::Conv2d conv;
  conv.dilation = dilation;
  conv.stride = plain ? Hw(between(rng, 1, 2)) : Hw(between(rng, 1, 3), between(rng, 1, 3));
  conv.groups = depthwise ? channels : 1;
  conv.padding = Padding(between(rng, 0, kernel.h - 1), between(rng, 0, kernel.h - 1),
                         between(rng, 0, kernel.w - 1), between(rng, 0, kernel.w - 1));
  const int64_t reach_h = (kernel.h - 1) * dilation.h + 1,
                reach_w = (kernel.w - 1) * dilation.w + 1;
  input = {1, between(rng, reach_h, reach_h + 7), between(rng, reach_w, reach_w + 7), channels};
  if (rng.below(8) == 0) {
    input = {1, kernel.h, kernel.w, channels};
    conv = {.groups = conv.groups};
  }
  weight = {out, kernel.h, kernel.w, depthwise ? 1 : channels};
  return conv;
}

TEST(Products, FastKernelsGiveTheInterpretersBytes) {
  Rng rng(7);
  std::map<ProductKernel, int> seen;
  for (int i = 0; i < 3000; ++i) {
    Shape input, weight;
    const op::Conv2d conv = random_convolution(rng, input, weight);
    expect_same_bytes(one_layer(conv, input, weight, rng), rng, seen);
    if (HasFatalFailure()) return;
  }
  for (int i = 0; i < 300; ++i) {
    const int64_t in = between(rng, 1, 20), out = between(rng, 1, 20);
    const Shape input = rng.below(2) ? Shape{1, 4 * in} : Shape{1, between(rng, 1, 5), in};
    expect_same_bytes(one_layer(op::Linear{}, input, {out, input.back()}, rng), rng, seen);
    if (HasFatalFailure()) return;
  }
  for (const auto kernel :
       {ProductKernel::kPlain, ProductKernel::kColumns, ProductKernel::kPointwise,
        ProductKernel::kRow, ProductKernel::kPlane, ProductKernel::kTaps})
    EXPECT_GT(seen[kernel], 30) << static_cast<int>(kernel);
}

TEST(Products, LeadIsTheLeastThatWorks) {
  // 3x3 with padding: two rows and one pixel fewer; 1x1: none; stride 2: the output falls behind.
  WindowGeometry g{.batch = 1, .in_h = 8, .in_w = 8, .in_c = 4, .out_h = 8, .out_w = 8, .out_c = 4};
  g.kernel = 3;
  g.padding = 1;
  EXPECT_EQ(window_lead(g, {}), (8 + 1 + 1) * 4);
  EXPECT_EQ(window_lead(g, {.pixels = 2, .reads_first = true}), (8 + 1) * 4);
  g.kernel = 1;
  g.padding = 0;
  EXPECT_EQ(window_lead(g, {.pixels = 2, .reads_first = true}), 0);
  EXPECT_EQ(window_lead(g, {}), 4);
  g.out_c = 8;
  EXPECT_EQ(window_lead(g, {.pixels = 2, .reads_first = true}), 62 * 4);
}

}  // namespace
}  // namespace tuco::deploy
