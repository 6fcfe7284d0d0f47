// What runs of a plan ask of the CUDA runtime, and what becomes of them where it refuses: planned
// on the stand-in.
#include <gtest/gtest.h>

#include <cuda_stand_in/device.h>
#include <cuda_stand_in/faults.h>

#include <functional>

#include "tests/deploy/networks.h"
#include "tuco/core/backend.h"
#include "tuco/core/error.h"
#include "tuco/core/precision.h"
#include "tuco/deploy/engine/context.h"
#include "tuco/deploy/passes.h"
#include "tuco/deploy/trace.h"

namespace tuco::deploy {
namespace {

constexpr Device kGpu = Device::cuda();

Graph small_graph() {
  const test::Network network = test::small_network();
  return trace(network.forward, test::random_images(network, 1, 1), network.constants);
}

Plan small_plan(bool int8 = false) {
  Graph graph = small_graph();
  if (!int8) return Plan::compile(graph, {.max_batch = 2, .device = kGpu});
  optimize(graph);
  return Plan::compile(quantize(graph, test::random_images(test::small_network(), 8, 2)),
                       {.max_batch = 2, .device = kGpu});
}

Tensor images() { return test::random_images(test::small_network(), 2, 3); }

/// What is allocated, with nothing kept for reuse.
standin::Live live() {
  backend(kGpu).release_cached_memory();
  return standin::live();
}

void expect_same(const standin::Live& got, const standin::Live& expected) {
  EXPECT_EQ(got.allocations, expected.allocations);
  EXPECT_EQ(got.bytes, expected.bytes);
  EXPECT_EQ(got.streams, expected.streams);
}

TEST(EngineFaults, ARunIsOneLaunch) {
  for (const bool int8 : {false, true}) {
    Context context(small_plan(int8));
    const auto launches = [] { return standin::calls("cudaLaunchKernel"); };
    const auto graphs = [] { return standin::calls("cudaGraphLaunch"); };
    const auto before = standin::calls("cudaGraphInstantiate");
    const auto expected = context(images()).to_vector<float>();
    EXPECT_EQ(standin::calls("cudaGraphInstantiate"), before);
    EXPECT_EQ(context(images()).to_vector<float>(), expected);
    EXPECT_EQ(standin::calls("cudaGraphInstantiate"), before + 1);
    const auto kernels = launches(), started = graphs();
    for (int i = 0; i < 5; ++i) context.run(2);
    EXPECT_EQ(launches(), kernels);
    EXPECT_EQ(graphs(), started + 5);
    EXPECT_EQ(standin::calls("cudaGraphInstantiate"), before + 1);
    EXPECT_EQ(context(images()).to_vector<float>(), expected);
    EXPECT_EQ(context.launch_note(2), "");
  }
}

TEST(EngineFaults, WhereNoGraphCanBeMadeStepsRunOneByOne) {
  const struct {
    const char* function;
    cudaError_t status;
  } refusals[] = {{"cudaStreamCreateWithFlags", cudaErrorMemoryAllocation},
                  {"cudaStreamBeginCapture", cudaErrorStreamCaptureUnsupported},
                  {"cudaLaunchKernel", cudaErrorLaunchOutOfResources},
                  {"cudaStreamEndCapture", cudaErrorStreamCaptureInvalidated},
                  {"cudaGraphInstantiate", cudaErrorMemoryAllocation},
                  {"cudaGraphInstantiate", cudaErrorNotSupported}};
  const Plan plan = small_plan();
  Context good(plan);
  const auto expected = good(images()).to_vector<float>();
  for (const auto& [function, status] : refusals) {
    SCOPED_TRACE(function);
    const standin::Live before = live();
    {
      Context context(plan);
      EXPECT_EQ(context(images()).to_vector<float>(), expected);
      context.input(2).copy_(images());
      {
        const standin::FailCall refuses(function, status);
        context.run(2);
        EXPECT_TRUE(refuses.happened());
      }
      EXPECT_EQ(context.output(2).to_vector<float>(), expected);
      const std::string note = context.launch_note(2);
      EXPECT_TRUE(note.starts_with("no CUDA graph: ")) << note;
      EXPECT_NE(note.find(cudaGetErrorString(status)), std::string::npos) << note;
      EXPECT_EQ(context(images()).to_vector<float>(), expected);
    }
    expect_same(live(), before);
  }
  for (int i = 0; i < 2; ++i) EXPECT_EQ(good(images()).to_vector<float>(), expected);
  EXPECT_EQ(good.launch_note(2), "");
}

/// What a part does that a graph cannot hold: there is an error in the capture, and no wrong graph.
TEST(EngineFaults, WhatDoesNotBelongIntoAGraphIsRefused) {
  struct Part final : Bound {
    explicit Part(std::function<void()> what) : body(std::move(what)) {}
    void run() override { body(); }
    std::function<void()> body;
  };
  Tensor number = full({1}, 1, {DType::float32, kGpu});
  const Tensor one = ones({1});
  const struct {
    const char* says;
    std::function<void()> body;
  } parts[] = {{"an allocation", [&] { number = number + 1; }},
               {"a copy from the host",
                [&] {
                  const float two = 2;
                  backend(kGpu).copy_from_host(number.raw(), &two, sizeof two);
                }},
               {"a copy to the host",
                [&] {
                  float there = 0;
                  backend(kGpu).copy_to_host(&there, number.raw(), sizeof there);
                }},
               {"a copy from the host",
                [&] { backend(kGpu).start_copy_from_host(number.raw(), one.raw(), 4)->join(); }},
               {"waiting", [] { backend(kGpu).synchronize(); }}};
  for (const auto& [says, body] : parts) {
    std::vector<std::unique_ptr<Bound>> list;
    list.push_back(std::make_unique<Part>(body));
    list.push_back(nullptr);
    const auto sequence = backend(kGpu).sequence(std::move(list));
    for (int run = 0; run < 3; ++run) sequence->run();
    EXPECT_EQ(sequence->note(),
              fmt::format("no CUDA graph: {} cannot be part of a CUDA graph", says));
  }
  EXPECT_EQ(sum(ones({4, 4}, {DType::float32, kGpu})).item(), 16);
}

TEST(EngineFaults, NoMemoryForAPlanOrAContextIsAnErrorAndNoMore) {
  const Graph graph = small_graph();
  const Plan plan = small_plan();
  const auto expected = Context(plan)(images()).to_vector<float>();
  const standin::Live before = live();
  const auto fails = [](int n) {
    backend(kGpu).release_cached_memory();
    return standin::FailCall("cudaMallocAsync", cudaErrorMemoryAllocation, n, 1000);
  };
  {
    const auto none = fails(1);
    EXPECT_THROW(Context{plan}, OutOfMemory);
  }
  expect_same(live(), before);
  for (const int n : {1, 3, 6}) {  // in the midst of the constants
    const auto none = fails(n);
    EXPECT_THROW(Plan::compile(graph, {.device = kGpu}), OutOfMemory);
    EXPECT_TRUE(none.happened());
  }
  expect_same(live(), before);
  {
    Context context(plan);
    context.input(2).copy_(images());
    {
      const auto none = fails(1);  // the first run takes scratch memory
      EXPECT_THROW(context.run(2), OutOfMemory);
    }
    context.run(2);
    {
      // And so does the graph, but the steps find some again.
      backend(kGpu).release_cached_memory();
      const standin::FailCall twice("cudaMallocAsync", cudaErrorMemoryAllocation, 1, 2);
      context.run(2);
    }
    EXPECT_TRUE(context.launch_note(2).starts_with("no CUDA graph: cuda:0: out of memory"))
        << context.launch_note(2);
    EXPECT_EQ(context.output(2).to_vector<float>(), expected);
  }
  expect_same(live(), before);
}

TEST(EngineFaults, ALaunchThatFailsIsAnError) {
  Context context(small_plan());
  for (int i = 0; i < 2; ++i) context.run();
  {
    const standin::FailCall launch("cudaGraphLaunch", cudaErrorLaunchOutOfResources);
    EXPECT_THROW(context.run(), CudaError);
    EXPECT_TRUE(launch.happened());
  }
  EXPECT_NO_THROW(context.run());
  backend(kGpu).synchronize();
}

TEST(EngineFaults, AnotherPrecisionMakesAnotherGraph) {
  Context context(small_plan());
  const auto made = [] { return standin::calls("cudaGraphInstantiate"); };
  const auto before = made();
  const auto result = [&] { return context(images()).to_vector<float>(); };
  const auto full = result();
  EXPECT_EQ(result(), full);
  EXPECT_EQ(made(), before + 1);
  set_float32_precision(Float32Precision::tf32);
  const auto rounded = result();
  EXPECT_NE(rounded, full);
  EXPECT_EQ(result(), rounded);
  EXPECT_EQ(made(), before + 2);
  set_float32_precision(Float32Precision::full);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(result(), full);
  EXPECT_EQ(made(), before + 3);
}

/// Convolutions without a bias share zeros for one, of which a later network wants more.
TEST(EngineFaults, AGraphKeepsWhatItReads) {
  const auto compiled = [](int64_t channels) {
    test::Builder b(9);
    const Tensor weight = b.constant("weight", {channels, 1, 1, 2}, 1);
    const test::Network network =
        b.finish([=](const Tensor& x) { return relu(conv2d(x, weight, {}, {})); }, {2, 2, 2});
    return Plan::compile(trace(network.forward, randn({1, 2, 2, 2}), network.constants),
                         {.device = kGpu});
  };
  const Tensor x = ones({1, 2, 2, 2});
  Context small(compiled(700)), large(compiled(3000));
  const auto expected = small(x).to_vector<float>();
  EXPECT_EQ(small(x).to_vector<float>(), expected);
  const auto of_large = large(x).to_vector<float>();
  EXPECT_EQ(small(x).to_vector<float>(), expected);
  EXPECT_EQ(large(x).to_vector<float>(), of_large);
  EXPECT_EQ(small.launch_note(), "");
}

/// Graphs that are still to run when their contexts go.
TEST(EngineFaults, AContextMayGoBeforeItsRunIsDone) {
  Context(small_plan()).run(2);  // what stays for good: handles, plans
  const standin::Live before = live();
  {
    const Plan plan = small_plan();
    for (int i = 0; i < 3; ++i) {
      Context context(plan);
      for (int run = 0; run < 4; ++run) context.run(2);
    }
  }
  backend(kGpu).synchronize();
  expect_same(live(), before);
}

}  // namespace
}  // namespace tuco::deploy
