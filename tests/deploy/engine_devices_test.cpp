// Where plans run: tensors of any device in and out, states that stay on it, files that go from one
// to another.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <thread>

#include "tests/deploy/networks.h"
#include "tests/deploy/random_models.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_device.h"
#include "tuco/core/backend.h"
#include "tuco/core/error.h"
#include "tuco/deploy/engine/context.h"
#include "tuco/deploy/engine/plan_file.h"
#include "tuco/deploy/graph_file.h"
#include "tuco/deploy/interpreter.h"
#include "tuco/deploy/passes.h"
#include "tuco/deploy/run_graph.h"
#include "tuco/deploy/states.h"
#include "tuco/deploy/trace.h"
#include "tuco/layers/linear.h"
#include "tuco/layers/lstm.h"
#include "tuco/layers/sequential.h"

namespace tuco::deploy {
namespace {

constexpr Device kCpu = Device::cpu();
/// No machine has so many, and some builds have none.
constexpr Device kNowhere = Device::cuda(60);

Graph small_graph() {
  const test::Network network = test::small_network();
  return trace(network.forward, test::random_images(network, 1, 1), network.constants);
}

QuantizedModel small_model() {
  Graph graph = small_graph();
  optimize(graph);
  return quantize(graph, test::random_images(test::small_network(), 8, 2));
}

Plan small_plan(bool int8, const PlanOptions& options) {
  return int8 ? Plan::compile(small_model(), options) : Plan::compile(small_graph(), options);
}

void expect_near(const std::vector<float>& got, const std::vector<float>& expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-4) << i;
}

TEST(EngineDevices, APlanKnowsItsDevice) {
  for (const Device device : test::test_devices()) {
    const Plan plan = small_plan(false, {.max_batch = 2, .device = device});
    EXPECT_EQ(plan.device(), device);
    EXPECT_EQ(plan.inputs()[0].device, device);
    EXPECT_EQ(plan.outputs()[0].device, device);
    EXPECT_NE(plan.to_string().find("on " + device.to_string()), std::string::npos);
    Context context(plan);
    EXPECT_EQ(context.input(2).device(), device);
    EXPECT_EQ(context.output(1).device(), device);
  }
}

TEST(EngineDevices, MemoryIsOnThePlansDevice) {
  for (const Device device : test::test_devices()) {
    const auto used = [&] { return static_cast<int64_t>(memory_stats(device).current_bytes); };
    const Graph graph = small_graph();
    const int64_t before = used();
    {
      const Plan plan = Plan::compile(graph, {.max_batch = 2, .device = device});
      const int64_t compiled = used();
      if (device != kCpu) {
        EXPECT_GE(compiled - before, plan.constant_bytes());
      }
      Context context(plan);
      EXPECT_GE(used() - compiled, plan.arena_bytes());
      for (const int64_t batch : {1, 2, 1, 2}) context.run(batch);
      // From here on every run takes the memory that is there.
      const int64_t warm = used();
      reset_peak_memory(device);
      for (const int64_t batch : {1, 2, 2}) context.run(batch);
      EXPECT_EQ(used(), warm);
      EXPECT_EQ(static_cast<int64_t>(memory_stats(device).peak_bytes), warm);
    }
    EXPECT_EQ(used(), before);
  }
}

TEST(EngineDevices, TensorsGoInFromAnywhereAndComeOutAnywhere) {
  const Device device = test::test_devices().back();
  const Tensor x = test::random_images(test::small_network(), 5, 3);
  for (const bool int8 : {false, true}) {
    const auto expected = Context(small_plan(int8, {.max_batch = 2}))(x).to_vector<float>();
    for (const Device place : {kCpu, device}) {
      Context context(small_plan(int8, {.max_batch = 2, .device = place}));
      for (const Device from : {kCpu, device}) {
        const Tensor input = x.to(from);
        EXPECT_EQ(context(input).device(), from);
        for (const Device to : {kCpu, device}) {
          const Tensor result = context(input, to);
          EXPECT_EQ(result.device(), to);
          expect_near(result.to_vector<float>(), expected);
        }
      }
    }
  }
}

TEST(EngineDevices, IntegersGoInAsTheyAre) {
  const Device device = test::test_devices().back();
  const QuantizedModel model = small_model();
  const Plan plan = Plan::compile(model, {.max_batch = 2, .device = device});
  const Tensor x =
      quantize_values(test::random_images(test::small_network(), 3, 4), *plan.input_quantization());
  Context context(plan);
  const auto expected = interpret(model, x).to_vector<int8_t>();
  EXPECT_EQ(context(x.to(device)).to_vector<int8_t>(), expected);
  EXPECT_EQ(context(x, kCpu).to_vector<int8_t>(), expected);
}

/// A network that was trained on the device, or copied there.
TEST(EngineDevices, ANetworkOnAnyDeviceIsCompiledForAny) {
  const Device device = test::test_devices().back();
  const Sequential net{Linear{{.in = 6, .out = 5}}, Linear{{.in = 5, .out = 3}}};
  net.eval();
  Rng rng(5);
  const Tensor x = randn({4, 6}, rng);
  const auto expected = net(x).to_vector<float>();
  net.to(device);
  for (const Device place : {kCpu, device}) {
    Context context(Plan::compile(net, x.to(device), {.max_batch = 3, .device = place}));
    expect_near(context(x).to_vector<float>(), expected);
  }
}

TEST(EngineDevices, StatesStayOnTheDevice) {
  const Device device = test::test_devices().back();
  const Sequential net{Lstm{{.in = 3, .units = 4, .last_only = true}}, Linear{{.in = 4, .out = 2}}};
  net.eval();
  Rng rng(6);
  Graph graph = trace(net, randn({1, 2, 3}, rng));
  optimize(graph);
  carry_states(graph);
  ASSERT_FALSE(graph.states.empty());
  for (const int64_t batch : {1, 3}) {
    Context context(Plan::compile(graph, {.max_batch = 3, .device = device}));
    std::vector<Tensor> states;
    for (int run = 0; run < 7; ++run) {
      if (run == 4) {
        context.reset();
        states.clear();
      }
      const Tensor x = randn({batch, 2, 3}, rng);
      context.input(batch).copy_(x);
      context.run(batch);
      expect_near(context.output(batch).to_vector<float>(),
                  run_graph(graph, {x}, {}, &states)[0].to_vector<float>());
    }
  }
}

/// Every op that has an int8 form, with states and without, run for run.
TEST(EngineDevices, RandomInt8ModelsGiveTheInterpretersBytes) {
  for (const Device device : test::test_devices()) {
    SCOPED_TRACE(device.to_string());
    int with_states = 0;
    for (uint64_t seed = 1; seed <= 400; ++seed) {
      const QuantizedModel model = test::random_int8_model(seed);
      with_states += !model.graph.states.empty();
      Context context(Plan::compile(model, {.device = device}));
      const Shape shape = model.graph.values[model.graph.inputs[0]].meta.shape;
      Rng rng(seed);
      std::vector<Tensor> states;
      for (int run = 0; run < 4; ++run) {
        const Tensor x = test::random_integers(shape, rng);
        context.input().copy_(x);
        context.run();
        ASSERT_EQ(context.output().to_vector<int8_t>(),
                  interpret(model, x, {}, &states).to_vector<int8_t>())
            << "model " << seed << ", run " << run;
      }
      EXPECT_EQ(context.launch_note(), "") << "model " << seed;
    }
    EXPECT_GT(with_states, 10);
  }
}

TEST(EngineDevices, PlanFilesRunOnAnyDevice) {
  const Device device = test::test_devices().back();
  const test::TemporaryFolder folder;
  const std::string path = folder.path() / "a.plan";
  const Tensor x = test::random_images(test::small_network(), 3, 5);
  for (const bool int8 : {false, true})
    for (const Device from : {kCpu, device})
      for (const Device to : {kCpu, device}) {
        const Plan plan = small_plan(int8, {.max_batch = 3, .device = from});
        save_plan(path, plan);
        const Plan loaded = load_plan(path, to);
        EXPECT_EQ(loaded.device(), to);
        if (from == to) {
          EXPECT_EQ(loaded.note(), "");
        } else {
          EXPECT_EQ(loaded.note(),
                    fmt::format("the plan was made for {}, this is {}: compiled anew",
                                backend(from).processor(), backend(to).processor()));
        }
        EXPECT_EQ(plan_of_file(path, {.device = to}).device(), to);
        expect_near(Context(loaded)(x).to_vector<float>(), Context(plan)(x).to_vector<float>());
      }
  // A model without a plan.
  save_graph(path, small_graph());
  expect_near(Context(plan_of_file(path, {.max_batch = 2, .device = device}))(x).to_vector<float>(),
              Context(small_plan(false, {}))(x).to_vector<float>());
}

TEST(EngineDevices, ADeviceThatIsNotThereIsNamed) {
  const auto expect_named = [](const auto& body) {
    try {
      body();
      FAIL() << "no error";
    } catch (const DeviceError& error) {
      EXPECT_NE(std::string(error.what()).find("cuda:60"), std::string::npos) << error.what();
    }
  };
  expect_named([] { small_plan(false, {.device = kNowhere}); });
  expect_named([] { small_plan(true, {.device = kNowhere}); });
  const test::TemporaryFolder folder;
  const std::string path = folder.path() / "a.plan";
  save_plan(path, small_plan(false, {}));
  expect_named([&] { load_plan(path, kNowhere); });
  expect_named([&] { plan_of_file(path, {.device = kNowhere}); });
  Context context(small_plan(false, {.device = test::test_devices().back()}));
  expect_named([&] { context(test::random_images(test::small_network(), 1, 1), kNowhere); });
}

TEST(EngineDevices, SeparateStepsGiveTheSame) {
  const Device device = test::test_devices().back();
  const Tensor x = test::random_images(test::small_network(), 2, 7);
  for (const bool int8 : {false, true}) {
    const Plan plan = small_plan(int8, {.max_batch = 2, .device = device});
    Context one(plan), several(plan, {.one_launch = false});
    for (int run = 0; run < 3; ++run)
      EXPECT_EQ(one(x).to_vector<float>(), several(x).to_vector<float>());
    std::vector<double> seconds;
    one.run(2, seconds);
    EXPECT_EQ(seconds.size(), plan.steps().size());
    EXPECT_EQ(one.output(2).to(DType::float32).to_vector<float>(),
              several.output(2).to(DType::float32).to_vector<float>());
  }
}

/// A copy of another thread in the midst of a capture is done at once, and is no part of the graph.
TEST(EngineDevices, CopiesOfOtherThreadsStayOutOfACapture) {
  struct Part final : Bound {
    explicit Part(std::function<void()> what) : body(std::move(what)) {}
    void run() override { body(); }
    std::function<void()> body;
  };
  const Device device = test::test_devices().back();
  Backend& here = backend(device);
  Tensor number = zeros({1}, {DType::float32, device}), from = ones({3}, {DType::float32, device}),
         to = zeros({3}, {DType::float32, device});
  float runs = 0, seen = -1;
  std::string error;
  std::vector<std::unique_ptr<Bound>> parts;
  parts.push_back(std::make_unique<Part>([&] {
    ++runs;
    std::thread([&] {
      try {
        here.copy_from_host(number.raw(), &runs, sizeof runs);
        here.copy_to_host(&seen, number.raw(), sizeof seen);
      } catch (const Error& thrown) {
        error = thrown.what();
      }
    }).join();
  }));
  parts.push_back(here.bind(op::Copy{}, {&from, 1}, {&to, 1}, nullptr));
  const auto sequence = here.sequence(std::move(parts));
  for (int run = 1; run <= 2; ++run) {
    sequence->run();
    EXPECT_EQ(seen, run);
  }
  from.fill_(5);
  number.fill_(9);
  sequence->run();
  EXPECT_EQ(to.to_vector<float>(), std::vector<float>(3, 5));
  EXPECT_EQ(number.item(), device == kCpu ? 3 : 9);
  EXPECT_EQ(error, "");
  EXPECT_EQ(sequence->note(), "");
}

/// Others copy, allocate and compute while a graph is captured, and none of it gets into it.
TEST(EngineDevices, ThreadsWorkBesideACapture) {
  const Device device = test::test_devices().back();
  const Tensor x = test::random_images(test::small_network(), 2, 8);
  const Plan plan = small_plan(false, {.max_batch = 2, .device = device});
  const auto expected = Context(plan, {.threads = 1, .one_launch = false})(x).to_vector<float>();
  std::atomic<bool> done = false;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> others;
  for (int t = 0; t < 2; ++t)
    others.emplace_back([&] {
      for (float i = 0; !done; ++i) {
        const Tensor there = full({100 + static_cast<int64_t>(i)}, i).to(device);
        wrong += max(there + 1).item() != i + 1;
      }
    });
  for (int round = 0; round < 5; ++round) {
    Context context(plan, {.threads = 1});
    for (int run = 0; run < 3; ++run) EXPECT_EQ(context(x).to_vector<float>(), expected);
    EXPECT_EQ(context.launch_note(2), "");
  }
  done = true;
  for (std::thread& thread : others) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace tuco::deploy
