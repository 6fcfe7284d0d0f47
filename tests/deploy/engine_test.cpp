// Plans against the plain executor of float graphs and the reference interpreter of int8 models, on
// each device.
#include <gtest/gtest.h>

#include <thread>

#include "tests/deploy/pointwise_networks.h"
#include "tests/support/allocations.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_device.h"
#include "tuco/core/error.h"
#include "tuco/core/ops/custom.h"
#include "tuco/core/parallel.h"
#include "tuco/deploy/engine/by_image.h"
#include "tuco/deploy/engine/context.h"
#include "tuco/deploy/engine/lower.h"
#include "tuco/deploy/engine/plan_data.h"
#include "tuco/deploy/engine/plan_file.h"
#include "tuco/deploy/graph_file.h"
#include "tuco/deploy/interpreter.h"
#include "tuco/deploy/passes.h"
#include "tuco/deploy/run_graph.h"
#include "tuco/deploy/trace.h"
#include "tuco/devices/cpu/isa.h"

namespace tuco::deploy {
namespace {

constexpr uint64_t kNetworks = 90;

test::Network some_network(uint64_t seed) {
  return seed == 0       ? test::small_network()
         : seed == 1     ? test::wide_network()
         : seed % 3 == 2 ? test::random_pointwise_network(seed)
                         : test::random_network(seed);
}

Graph traced(const test::Network& network) {
  return trace(network.forward, test::random_images(network, 1, 1), network.constants);
}

QuantizedModel quantized(const test::Network& network, uint64_t seed) {
  Graph graph = traced(network);
  optimize(graph);
  return quantize(graph, test::random_images(network, 8, seed + 1),
                  {.rounding = seed % 3 ? Rounding::kDouble : Rounding::kSingle});
}

/// Calls test(device) for each device, the CPU with every instruction set.
template <class Test>
void everywhere(Test&& test) {
  for (const Device device : test::test_devices()) {
    if (device.kind != Device::Kind::cpu) {
      SCOPED_TRACE(device.to_string());
      test(device);
      continue;
    }
    const cpu::Isa before = cpu::active_isa();
    for (const cpu::Isa isa : cpu::supported_isas()) {
      SCOPED_TRACE(cpu::isa_name(isa));
      cpu::set_isa(isa);
      test(device);
    }
    cpu::set_isa(before);
  }
}

/// Tests of what the CPU alone does, or what no device changes.
#define TUCO_NEEDS_CPU() \
  if (test::test_devices()[0].kind != Device::Kind::cpu) GTEST_SKIP() << "for the CPU"

void expect_close(const Tensor& got, const Tensor& expected, const std::string& what) {
  ASSERT_EQ(got.shape(), expected.shape()) << what;
  if (expected.numel() == 0) return;
  const double rms = std::sqrt(mean(pow(expected.to(DType::float64), 2)).item<double>()) + 1e-6;
  const double worst =
      max(abs(got.to(DType::float64) - expected.to(DType::float64))).item<double>();
  EXPECT_LE(worst, 1e-4 * rms) << what;
}

TEST(Engine, FloatPlansAgreeWithTheGraph) {
  everywhere([](Device device) {
    for (uint64_t seed = 0; seed < kNetworks; ++seed) {
      const auto network = some_network(seed);
      const Graph graph = traced(network);
      Context context(Plan::compile(graph, {.max_batch = 3, .device = device}));
      for (const int64_t images : {1, 3, 2, 0, 7}) {
        const Tensor x = test::random_images(network, images, seed + 9);
        expect_close(context(x), run_graph(graph, {x})[0],
                     fmt::format("network {}, {} images", seed, images));
      }
      EXPECT_EQ(context.launch_note(3), "");
    }
  });
}

TEST(Engine, Int8PlansGiveTheInterpretersBytes) {
  everywhere([](Device device) {
    for (uint64_t seed = 0; seed < kNetworks; ++seed) {
      const auto network = some_network(seed);
      const QuantizedModel model = quantized(network, seed);
      const Plan plan = Plan::compile(model, {.max_batch = 3, .device = device});
      Context context(plan);
      for (const int64_t images : {1, 3, 2, 0, 7}) {
        const Tensor x = test::random_images(network, images, seed + 9);
        const Tensor integers = quantize_values(x, *plan.input_quantization());
        EXPECT_EQ(context(integers).to_vector<int8_t>(),
                  interpret(model, integers).to_vector<int8_t>())
            << "network " << seed << ", " << images << " images";
        EXPECT_EQ(context(x).to_vector<float>(), interpret_real(model, x).to_vector<float>());
      }
      EXPECT_EQ(context.launch_note(3), "");
    }
  });
}

// Large images one by one, small ones together; the results are those of each image.
TEST(Engine, RunsLargeImagesOneByOne) {
  TUCO_NEEDS_CPU();
  for (const int64_t size : {12, 96}) {
    test::Builder b(5);
    const auto first = b.conv("first", 3, 16, 3, {.padding = 1}),
               second = b.conv("second", 16, 16, 3, {.padding = 1});
    const auto head = b.dense("head", 16, 3);
    const auto network = b.finish(
        [=](const Tensor& x) {
          const Tensor y = relu(first(x));
          return head(mean(relu(second(y) + y), {1, 2}));
        },
        {size, size, 3});
    const Tensor x = test::random_images(network, 5, 1);
    for (const bool int8 : {false, true}) {
      const auto compiled = [&](int64_t batch) {
        return int8 ? Plan::compile(quantized(network, 1), {.max_batch = batch})
                    : Plan::compile(traced(network), {.max_batch = batch});
      };
      const Plan single = compiled(1), plan = compiled(5);
      EXPECT_TRUE(keeps_images_apart(plan.data().graph));
      const bool large = size > 12 && !int8;
      EXPECT_EQ(plan.data().by_image, large);
      EXPECT_EQ(plan.arena_bytes() == single.arena_bytes(), large);
      Context one(single), all(plan);
      expect_close(all(x), one(x), "in one batch");
      if (int8 || large) {
        EXPECT_EQ(all(x).to_vector<float>(), one(x).to_vector<float>());
      }
      std::vector<double> seconds;
      all.run(4, seconds);
      EXPECT_EQ(seconds.size(), plan.steps().size());
    }
  }
}

TEST(Engine, KnowsWhatMixesImages) {
  TUCO_NEEDS_CPU();
  test::Builder b(6);
  const Tensor row = b.constant("row", {1, 3}, 1), one = b.constant("one", {}, 1),
               square = b.constant("square", {3, 3}, 1);
  const auto apart = [&](const std::function<Tensor(const Tensor&)>& forward) {
    const Graph graph = trace(forward, randn({1, 4, 3}));
    return keeps_images_apart(lower(graph, infer_shapes(graph, 2)));
  };
  EXPECT_TRUE(apart([&](const Tensor& x) { return softmax(x * row + one); }));
  EXPECT_TRUE(apart([&](const Tensor& x) {
    return concat({reshape(x, {-1, 12}), sum(x, {1})}, 1);
  }));
  EXPECT_FALSE(apart([&](const Tensor& x) { return x + mean(x, {0}, true); }));
  EXPECT_TRUE(apart([&](const Tensor& x) { return slice(permute(x, {0, 2, 1}), 2, 0, 4, 2); }));
  EXPECT_FALSE(apart([&](const Tensor& x) { return permute(permute(x, {1, 0, 2}), {1, 0, 2}); }));
  EXPECT_FALSE(apart([&](const Tensor& x) { return matmul(x, square); }));  // not known
  EXPECT_FALSE(apart([&](const Tensor& x) { return reshape(x, {-1}); }));   // no image of its own
}

TEST(Engine, FusesWhatFollowsAConvolution) {
  test::Builder b(3);
  const auto first = b.conv("first", 4, 4, 3, {.padding = 1}),
             second = b.conv("second", 4, 4, 1, {}),
             third = b.conv("third", 4, 4, 3, {.padding = 1});
  const auto norm = b.norm("norm", 4);
  const auto head = b.dense("head", 4, 3);
  const auto network = b.finish(
      [=](const Tensor& x) {
        const Tensor y = relu(norm(first(x)));
        const Tensor z = relu6(third(y) + second(x));
        return relu(head(mean(z + first(z), {1, 2})));
      },
      {5, 6, 4});
  const Plan plan = Plan::compile(traced(network));
  std::vector<std::string> ops;
  for (const PlanStep& step : plan.steps()) ops.push_back(step.op);
  EXPECT_EQ(ops, (std::vector<std::string>{"fused_conv2d", "conv2d", "fused_conv2d", "fused_conv2d",
                                           "mean", "fused_linear"}))
      << plan.to_string();
  EXPECT_EQ(plan.steps()[0].products, 5 * 6 * 4 * 9 * 4);
  EXPECT_EQ(plan.steps()[5].products, 12);
  const Tensor x = test::random_images(network, 1, 5);
  for (const Device device : test::test_devices())
    expect_close(Context(Plan::compile(traced(network), {.device = device}))(x), network.forward(x),
                 "fused on " + device.to_string());
}

// Ops that show bytes in another way, results that are inputs or nobody's, a batch norm that stays.
TEST(Engine, RunsWhatHasNoKernelOfItsOwn) {
  test::Builder b(4);
  const Tensor row = b.constant("row", {1, 3}, 1);
  const auto norm = b.norm("norm", 6);
  const auto moving = b.finish(
      [=](const Tensor& x) {
        const Tensor y = slice(permute(x, {0, 2, 1}), 1, 0, 1) + expand(row, {2, 3});
        const Tensor z = reshape(permute(y, {0, 2, 1}), {-1, 6});
        return norm(relu(z)) * norm(z) - maximum(z, -z) / exp(z) + where(less(z, -z), z, z * 3);
      },
      {3, 2});
  const Graph graph = traced(moving);
  for (const Device device : test::test_devices()) {
    Context context(Plan::compile(graph, {.max_batch = 4, .device = device}));
    for (const int64_t images : {4, 1, 9}) {
      const Tensor x = test::random_images(moving, images, 2);
      expect_close(context(x), run_graph(graph, {x})[0], fmt::format("{} images", images));
    }
  }
}

TEST(Engine, TakesGraphsWithManyInputsAndOutputs) {
  Graph graph = trace([](const Tensor& x) { return relu(x) * 2.0; }, randn({1, 3}));
  const int second = graph.add_value({"second", {{1, 3}, DType::float32}, {}, {}});
  const int sum = graph.add_value({"sum", {{1, 3}, DType::float32}, {}, {}});
  graph.inputs.push_back(second);
  graph.nodes.push_back({op::Add{}, {graph.outputs[0], second}, {sum}, "", {}});
  graph.outputs = {sum, graph.outputs[0], second};
  for (const Device device : test::test_devices()) {
    const Plan plan = Plan::compile(graph, {.max_batch = 2, .device = device});
    Context context(plan);
    context.input(2, 0).copy_(from_values<float>({1, -1, 2, -2, 3, -3}, {2, 3}));
    context.input(2, 1).fill_(1);
    for (int again = 0; again < 3; ++again) {
      context.run(2);
      EXPECT_EQ(context.output(2, 0).to_vector<float>(), (std::vector<float>{3, 1, 5, 1, 7, 1}));
      EXPECT_EQ(context.output(2, 1).to_vector<float>(), (std::vector<float>{2, 0, 4, 0, 6, 0}));
      EXPECT_EQ(context.output(2, 2).to_vector<float>(), std::vector<float>(6, 1));
    }
    EXPECT_THROW(context(randn({1, 3})), Error);
  }
}

TEST(Engine, ARunAllocatesNothing) {
  TUCO_NEEDS_CPU();
  const test::AllocationCount some;
  const std::string text(100, 'x');
  EXPECT_GT(some.count(), 0) << text;
  const int before = num_threads();
  for (const int threads : {1, 2})
    for (const bool int8 : {false, true})
      for (uint64_t seed = 0; seed < kNetworks; ++seed) {
        set_num_threads(threads);
        const auto network = some_network(seed);
        const Plan plan = int8 ? Plan::compile(quantized(network, seed), {.max_batch = 2})
                               : Plan::compile(traced(network), {.max_batch = 2});
        Context context(plan);
        for (const int64_t batch : {2, 1}) {
          context.input(batch).fill_(0);
          for (int i = 0; i < 3; ++i) context.run(batch);
        }
        const auto bytes = memory_stats().current_bytes;
        const test::AllocationCount allocations;
        for (int i = 0; i < 5; ++i) context.run(1 + i % 2);
        EXPECT_EQ(allocations.count(), 0)
            << "network " << seed << (int8 ? " int8\n" : "\n") << plan.to_string();
        EXPECT_EQ(memory_stats().current_bytes, bytes);
      }
  set_num_threads(before);
}

TEST(Engine, ThreadsShareAPlan) {
  for (const bool int8 : {false, true}) {
    const auto network = test::small_network();
    const PlanOptions options{.max_batch = 4, .device = test::test_devices().back()};
    const Plan plan = int8 ? Plan::compile(quantized(network, 0), options)
                           : Plan::compile(traced(network), options);
    const Tensor x = test::random_images(network, 10, 3);
    const auto expected = Context(plan, {.threads = 1})(x).to_vector<float>();
    std::vector<std::vector<float>> results(4);
    std::vector<std::thread> threads;
    for (auto& result : results)
      threads.emplace_back([&] {
        Context context(plan, {.threads = 1});
        for (int i = 0; i < 20; ++i) result = context(x).to_vector<float>();
      });
    for (std::thread& thread : threads) thread.join();
    for (const auto& result : results) EXPECT_EQ(result, expected);
    // Several threads in a run give what one gives.
    EXPECT_EQ(Context(plan, {.threads = 3})(x).to_vector<float>(), expected);
  }
}

TEST(Engine, ARunLeavesItsInputAndTellsItsTimes) {
  const auto network = test::small_network();
  const Plan plan = Plan::compile(traced(network), {.device = test::test_devices().back()});
  Context context(plan);
  const Tensor x = test::random_images(network, 1, 3);
  context.input().copy_(x);
  std::vector<double> seconds;
  context.run(1, seconds);
  const auto first = context.output().to_vector<float>();
  EXPECT_EQ(seconds.size(), plan.steps().size());
  for (const double s : seconds) EXPECT_GE(s, 0);
  context.run();
  EXPECT_EQ(context.output().to_vector<float>(), first);
  EXPECT_EQ(context.input().to_vector<float>(), x.to_vector<float>());
  EXPECT_GE(plan.arena_bytes(), plan.arena_lower_bound());
}

TEST(PlanFile, RoundTripsAndFitsItsMachine) {
  TUCO_NEEDS_CPU();
  const test::TemporaryFolder folder;
  const std::string path = folder.path() / "a.plan";
  for (uint64_t seed = 0; seed < 12; ++seed)
    for (const bool int8 : {false, true}) {
      const auto network = some_network(seed);
      const Plan plan = int8 ? Plan::compile(quantized(network, seed), {.max_batch = 3})
                             : Plan::compile(traced(network), {.max_batch = 3});
      save_plan(path, plan);
      const Tensor x = test::random_images(network, 3, 5);
      const auto expected = Context(plan)(x).to_vector<float>();
      const Plan again = load_plan(path);
      EXPECT_EQ(again.note(), "");
      EXPECT_EQ(again.to_string(), plan.to_string());
      EXPECT_EQ(again.data().memory.offsets, plan.data().memory.offsets);
      EXPECT_EQ(Context(again)(x).to_vector<float>(), expected);
      EXPECT_EQ(plan_of_file(path).max_batch(), 3);
      // A plan is a model file, too.
      EXPECT_EQ(is_quantized(load_graph(path)), int8);

      const cpu::Isa before = cpu::active_isa();
      for (const cpu::Isa isa : cpu::supported_isas()) {
        cpu::set_isa(isa);
        const Plan moved = load_plan(path);
        EXPECT_EQ(moved.note().empty(), isa == before) << moved.note();
        Shape shape = plan.outputs()[0].shape;
        shape[0] = 3;
        expect_close(Context(moved)(x), from_values(expected, shape), "on another instruction set");
      }
      cpu::set_isa(before);
    }
}

TEST(PlanFile, RefusesPlansThatDoNotFit) {
  TUCO_NEEDS_CPU();
  const test::TemporaryFolder folder;
  const std::string path = folder.path() / "a.plan";
  const auto network = test::small_network();
  const Plan plan = Plan::compile(traced(network), {.max_batch = 2});
  save_plan(path, plan);
  const Safetensors good = load_safetensors(path);
  const std::string text = good.metadata.at("tuco.plan");
  const auto with = [&](const std::string& from, const std::string& to) {
    Metadata metadata = good.metadata;
    std::string changed = text;
    changed.replace(changed.find(from), from.size(), to);
    metadata["tuco.plan"] = changed;
    save_safetensors(path, good.tensors, metadata);
    return load_plan(path);
  };
  const std::string first = fmt::format("\"offsets\":[{},", plan.data().memory.offsets[0]);
  EXPECT_EQ(with("\"version\":3", "\"version\":3").note(), "");
  EXPECT_EQ(with("\"version\":3", "\"version\":0").note(),
            "the plan is of version 0, this Tuco makes version 3: compiled anew");
  EXPECT_TRUE(with("\"processor\":\"", "\"processor\":\"another ")
                  .note()
                  .starts_with("the plan was made for another "));
  EXPECT_THROW(with(first, "\"offsets\":["), FormatError);
  EXPECT_THROW(with(first, "\"offsets\":[1,"), FormatError);
  EXPECT_THROW(with(first, "\"offsets\":[-64,"), FormatError);
  EXPECT_THROW(with(first, "\"offsets\":[1099511627776,"), FormatError);
  EXPECT_THROW(with("\"max_batch\":2", "\"max_batch\":3"), FormatError);
  EXPECT_THROW(with("\"max_batch\":2", "\"max_batch\":0"), FormatError);
  EXPECT_THROW(with("\"max_batch\":2", "\"max_batch\":1e99"), FormatError);
  EXPECT_THROW(with("{", "["), FormatError);
  save_graph(path, plan.data().source);
  EXPECT_THROW(load_plan(path), FormatError);
  EXPECT_EQ(plan_of_file(path, {.max_batch = 5}).max_batch(), 5);
}

TEST(Engine, RefusesWhatDoesNotFit) {
  const auto network = test::small_network();
  Context context(
      Plan::compile(traced(network), {.max_batch = 2, .device = test::test_devices().back()}));
  EXPECT_THROW(context.run(3), ShapeError);
  EXPECT_THROW(context.input(-1), ShapeError);
  EXPECT_THROW(context(randn({1, 12, 13, 3})), ShapeError);
  EXPECT_THROW(context(randn({1, 12, 12, 3}, {DType::float64})), DTypeError);
  EXPECT_THROW(Plan::compile(traced(network), {.max_batch = 0}), Error);

  struct Mine final : CustomOp {
    std::string name() const override { return "mine"; }
    std::vector<TensorMeta> infer(std::span<const TensorMeta> in) const override { return {in[0]}; }
    std::vector<Tensor> forward(std::span<const Tensor> in, std::vector<Tensor>&) const override {
      return {in[0].clone()};
    }
    std::vector<Tensor> backward(std::span<const Tensor>,
                                 std::span<const Tensor> gradients) const override {
      return {gradients[0]};
    }
  };
  const auto mine = std::make_shared<Mine>();
  try {
    Plan::compile(trace([&](const Tensor& t) { return custom(mine, {t})[0]; }, randn({1, 3})));
    FAIL();
  } catch (const UnsupportedOp& error) {
    EXPECT_STREQ(error.what(), "engine: mine brings its own code, which a plan cannot hold");
  }
}

}  // namespace
}  // namespace tuco::deploy
