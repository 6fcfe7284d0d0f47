// The fast kernels of the device runtime against the reference interpreter, in every byte, at
// random sizes, with input and output as close to each other as the memory plan may put them.
#include "tuco/deploy/ops/products.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/deploy/random_layers.h"
#include "tuco/deploy/device_memory.h"
#include "tuco/deploy/runtime/columns.h"
#include "tuco/deploy/runtime/plane.h"
#include "tuco/deploy/runtime/row.h"
#include "tuco/deploy/runtime/taps.h"

namespace tuco::deploy {
namespace {

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

/// Whether the kernel gives the interpreter's bytes and touches no other: with input and output
/// apart, and then as close as the plan may put them, on a word for the input.
void expect_same_bytes(const test::RandomLayer& layer) {
  if (layer.product.kernel == ProductKernel::kPlain) return;
  const int64_t in_size = layer.input.numel(), out_size = layer.expected.numel();
  constexpr int64_t kGuard = 64;
  for (const int64_t distance : {(out_size + 3) / 4 * 4, layer.closest()}) {
    const int64_t out_at = kGuard + std::max<int64_t>(0, -distance), in_at = out_at + distance;
    const int64_t end = std::max(in_at + in_size, out_at + out_size);
    const size_t scratch_size = static_cast<size_t>(layer.memory.scratch + 1) / 2;
    std::vector<int8_t> arena(end + kGuard, 0x5a);
    std::vector<int16_t> scratch(scratch_size + 8, 0x5a5a);
    std::copy_n(layer.input.data<int8_t>(), in_size, arena.begin() + in_at);
    run(layer.product, layer.node(), arena.data() + out_at, arena.data() + in_at, scratch.data());
    int64_t wrong = 0;
    for (int64_t i = 0; i < out_size; ++i)
      wrong += arena[out_at + i] != layer.expected.data<int8_t>()[i];
    for (int64_t i = 0; i < kGuard; ++i) wrong += arena[i] != 0x5a || arena[end + i] != 0x5a;
    for (size_t i = scratch_size; i < scratch.size(); ++i) wrong += scratch[i] != 0x5a5a;
    ASSERT_EQ(wrong, 0) << layer.model.graph.to_string() << "kernel "
                        << static_cast<int>(layer.product.kernel) << ", distance " << distance;
  }
}

TEST(Products, FastKernelsGiveTheInterpretersBytes) {
  Rng rng(7);
  std::map<ProductKernel, int> seen;
  for (int i = 0; i < 3300; ++i) {
    const auto layer = i < 3000 ? test::random_convolution(rng, 36) : test::random_linear(rng);
    ++seen[layer.product.kernel];
    expect_same_bytes(layer);
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
