// States: what a run leaves to the next, in graphs, in the interpreter, in the engine, in exported
// C and in files for devices.
#include "tuco/deploy/states.h"

#include <gtest/gtest.h>

#include "tests/deploy/device_run.h"
#include "tests/deploy/exported_c.h"
#include "tests/deploy/random_models.h"
#include "tests/support/temporary_folder.h"
#include "tuco/autograd/functions.h"
#include "tuco/core/error.h"
#include "tuco/deploy/device_file.h"
#include "tuco/deploy/engine/context.h"
#include "tuco/deploy/engine/plan_file.h"
#include "tuco/deploy/graph_file.h"
#include "tuco/deploy/interpreter.h"
#include "tuco/deploy/passes.h"
#include "tuco/deploy/run_graph.h"
#include "tuco/deploy/trace.h"

namespace tuco::deploy {
namespace {

/// Graphs by hand, of values (1, n) of float32, or of int8 in one scale.
class Maker {
 public:
  explicit Maker(bool int8) : int8_(int8) {}

  int input(int64_t size) {
    graph.inputs.push_back(value("x", size));
    return graph.inputs.back();
  }
  /// A state that begins as this number.
  int state(int64_t size, int number) {
    const Tensor initial = full({1, size}, number, {type()});
    Graph::Value constant{"initial", initial.meta(), initial, quantization()};
    constant.name += std::to_string(graph.states.size());
    const int first = graph.add_value(std::move(constant)), before = value("state", size);
    graph.states.push_back({first, before, before});
    return before;
  }
  void becomes(size_t state, int value) { graph.states[state].after = value; }
  int op(const op::Any& op, std::vector<int> inputs, int64_t size) {
    const int result = value("y", size);
    graph.nodes.push_back({op, std::move(inputs), {result}, "", {}});
    return result;
  }
  QuantizedModel model(std::vector<int> outputs) {
    graph.outputs = std::move(outputs);
    return {graph};
  }

  Graph graph;

 private:
  DType type() const { return int8_ ? DType::int8 : DType::float32; }
  std::optional<Quantization> quantization() const {
    return int8_ ? std::optional(Quantization{{0.5f}, {0}, -1}) : std::nullopt;
  }
  int value(const char* name, int64_t size) {
    return graph.add_value({name, {{1, size}, type()}, {}, quantization()});
  }

  bool int8_;
};

/// The last two inputs before this one, and the sum of all: y = (x[-2], x[-1], x, sum).
Maker delay_line(bool int8) {
  Maker m(int8);
  const int x = m.input(2);
  const int last = m.state(2, 7), one_before = m.state(2, 9), sum = m.state(2, 1);
  const int total = m.op(op::Add{}, {sum, x}, 2);
  const int joined = m.op(op::Concat{1}, {one_before, last, x, total}, 8);
  m.becomes(0, x);
  m.becomes(1, last);
  m.becomes(2, total);
  m.graph.outputs = {joined};
  return m;
}

std::vector<int8_t> numbers(const Tensor& tensor) {
  return tensor.to(DType::int8).to_vector<int8_t>();
}

const std::vector<std::vector<int8_t>> kDelayed = {
    {9, 9, 7, 7, 1, 2, 2, 3}, {7, 7, 1, 2, 3, 4, 5, 7}, {1, 2, 3, 4, 5, 6, 10, 13}};
Tensor pair(int run) {
  return from_values<float>(
      {2.0f * static_cast<float>(run) + 1, 2.0f * static_cast<float>(run) + 2}, {1, 2});
}

TEST(States, OfAFloatGraphGoFromRunToRun) {
  const Graph graph = delay_line(false).graph;
  std::vector<Tensor> states;
  for (int run = 0; run < 3; ++run)
    EXPECT_EQ(numbers(run_graph(graph, {pair(run)}, {}, &states)[0]), kDelayed[run]);
  // Without them every run is a first one.
  EXPECT_EQ(numbers(run_graph(graph, {pair(0)})[0]), kDelayed[0]);
  states.pop_back();
  EXPECT_THROW(run_graph(graph, {pair(0)}, {}, &states), Error);

  Context context(Plan::compile(graph));
  for (int round = 0; round < 2; ++round, context.reset())
    for (int run = 0; run < 3; ++run) {
      std::copy_n(pair(run).data<float>(), 2, context.input().data<float>());
      context.run();
      EXPECT_EQ(numbers(context.output()), kDelayed[run]) << "run " << run;
    }
}

TEST(States, OfAnInt8GraphGoFromRunToRun) {
  const QuantizedModel model = delay_line(true).model({delay_line(true).graph.outputs[0]});
  std::vector<Tensor> states;
  const DeviceFile file = make_device_file(model);
  test::DeviceRun device(file.bytes, static_cast<size_t>(file.arena_bytes));
  ASSERT_EQ(device.status(), TUCO_OK);
  for (int run = 0; run < 3; ++run) {
    const Tensor x = pair(run).to(DType::int8);
    EXPECT_EQ(numbers(interpret(model, x, {}, &states)), kDelayed[run]);
    EXPECT_EQ(device.run(x.data<int8_t>()), kDelayed[run]);
  }
  tuco_model_reset(&device.model());
  EXPECT_EQ(device.run(pair(0).to(DType::int8).data<int8_t>()), kDelayed[0]);
}

TEST(States, BelongToEachExampleOfABatch) {
  const Graph graph = delay_line(false).graph;
  Context context(Plan::compile(graph, {.max_batch = 3}));
  const auto run = [&](const std::vector<float>& x) {
    const auto batch = static_cast<int64_t>(x.size()) / 2;
    std::copy(x.begin(), x.end(), context.input(batch).data<float>());
    context.run(batch);
    return numbers(context.output(batch));
  };
  run({1, 2, 11, 12, 21, 22});
  EXPECT_EQ(run({3, 4, 13, 14, 23, 24}),
            (std::vector<int8_t>{7,  7,  1,  2,  3, 4, 5,  7,  7,  7,  11, 12,
                                 13, 14, 25, 27, 7, 7, 21, 22, 23, 24, 45, 47}));
  // Another batch begins anew.
  EXPECT_EQ(run({1, 2}), kDelayed[0]);
  EXPECT_EQ(run({3, 4}), kDelayed[1]);
  // As does every call.
  EXPECT_EQ(numbers(context(pair(0))), kDelayed[0]);
  EXPECT_EQ(numbers(context(pair(0))), kDelayed[0]);
}

/// Runs a sequence of random inputs everywhere. Every second one begins anew after three.
void expect_same_sequence(const QuantizedModel& model, uint64_t seed, bool in_c) {
  Rng rng(seed);
  const Shape shape = model.graph.values[model.graph.inputs[0]].meta.shape;
  Context context(Plan::compile(model));
  const DeviceFile file = make_device_file(model);
  test::DeviceRun device(file.bytes, static_cast<size_t>(file.arena_bytes));
  ASSERT_EQ(device.status(), TUCO_OK) << "call " << device.call();
  std::vector<Tensor> states;
  std::vector<int8_t> inputs, outputs;
  for (int run = 0; run < 6; ++run) {
    if (run == 3 && seed % 2) {
      states.clear();
      context.reset();
      tuco_model_reset(&device.model());
      outputs.clear();
      inputs.clear();
    }
    const Tensor x = test::random_integers(shape, rng);
    const auto expected = interpret(model, x, {}, &states).to_vector<int8_t>();
    std::copy_n(x.data<int8_t>(), x.numel(), context.input().data<int8_t>());
    context.run();
    EXPECT_EQ(context.output().to_vector<int8_t>(), expected) << "in the engine, run " << run;
    EXPECT_EQ(device.run(x.data<int8_t>()), expected) << "on a device, run " << run;
    const auto values = x.to_vector<int8_t>();
    inputs.insert(inputs.end(), values.begin(), values.end());
    outputs.insert(outputs.end(), expected.begin(), expected.end());
  }
  if (in_c)
    test::expect_exported_sequence(model, inputs, outputs,
                                   "gcc -std=c99 -O1 -Wall -Wextra -Werror");
}

TEST(States, OfRandomModelsGoFromRunToRunEverywhere) {
  int with_states = 0;
  for (uint64_t seed = 1; seed <= 1000; ++seed) {
    const QuantizedModel model = test::random_int8_model(seed);
    if (model.graph.states.empty()) continue;
    SCOPED_TRACE(seed);
    expect_same_sequence(model, seed, ++with_states % 20 == 0);
  }
  EXPECT_GT(with_states, 120);
}

/// y = what the state was, which becomes the input: both must be there after the run.
TEST(States, MayGoOutAsTheyWere) {
  Maker m(true);
  const int x = m.input(3), before = m.state(3, 5);
  m.becomes(0, x);
  expect_same_sequence(m.model({before}), 1, true);
}

TEST(States, MayChangePlaces) {
  Maker m(true);
  const int x = m.input(4), a = m.state(4, 1), b = m.state(4, 2);
  const int y = m.op(op::Concat{1}, {a, b, x}, 12);
  m.becomes(0, b);
  m.becomes(1, a);
  expect_same_sequence(m.model({y}), 2, true);
}

TEST(States, MayBeAliasesAndStayAsTheyAre) {
  Maker m(true);
  const int x = m.input(4), a = m.state(4, 1);
  m.state(4, 3);  // which becomes itself
  const int stays = m.graph.states[1].before;
  const int flat = m.op(op::Reshape{{-1, 4}}, {x}, 4);
  const int y = m.op(op::Concat{1}, {a, stays}, 8);
  m.becomes(0, flat);
  expect_same_sequence(m.model({y}), 3, true);
}

TEST(States, MayBecomeOneValueTogether) {
  Maker m(true);
  const int x = m.input(4), a = m.state(4, 1), b = m.state(4, 3);
  const int sum = m.op(op::Add{}, {a, x}, 4);
  const int y = m.op(op::Concat{1}, {sum, b}, 8);
  m.becomes(0, sum);
  m.becomes(1, sum);
  expect_same_sequence(m.model({y}), 4, true);
}

TEST(States, AreInFiles) {
  const test::TemporaryFolder folder;
  const std::string path = folder.path() / "model.safetensors";
  const QuantizedModel model = delay_line(true).model({delay_line(true).graph.outputs[0]});
  save_model(path, model);
  const QuantizedModel again = load_model(path);
  EXPECT_EQ(again.graph.to_string(), model.graph.to_string());
  EXPECT_EQ(again.graph.states.size(), 3u);
  expect_same_sequence(again, 5, false);

  const std::string plan = folder.path() / "plan.safetensors";
  save_plan(plan, Plan::compile(model));
  Context context(load_plan(plan));
  for (int run = 0; run < 3; ++run) {
    std::copy_n(pair(run).to(DType::int8).data<int8_t>(), 2, context.input().data<int8_t>());
    context.run();
    EXPECT_EQ(numbers(context.output()), kDelayed[run]);
  }
}

/// A state whose new value is joined with others gets the scale of what it is joined with.
TEST(States, OfLayersThatAreJoinedCanBeQuantized) {
  Rng rng(3);
  const auto random = [&](const Shape& shape) { return rand(shape, rng) * 2 - 1; };
  const Tensor weight = random({16, 3}), recurrent = random({16, 4}), bias = random({16}),
               zero = zeros({1, 4});
  const std::function<Tensor(const Tensor&)> forward = [&](const Tensor& x) {
    const Tensor y = lstm(x, weight, recurrent, bias, zero, zero).y;
    return concat({y, slice(x, 2, 0, 1) * 5}, 2);
  };
  const Tensor samples = random({32, 2, 3});
  Graph graph = trace(forward, contiguous(slice(samples, 0, 0, 1)));
  optimize(graph);
  carry_states(graph);
  ASSERT_EQ(graph.states.size(), 2u);
  const QuantizedModel model = quantize(graph, samples);
  expect_same_sequence(model, 6, true);
}

class StatesThatAreWrong : public testing::Test {
 protected:
  /// What loading the graph says once it is changed.
  template <class Change>
  std::string error_of(Change&& change) {
    Maker m = delay_line(false);
    change(m.graph);
    const test::TemporaryFolder folder;
    const std::string path = folder.path() / "g.safetensors";
    save_graph(path, m.graph);
    try {
      load_graph(path);
    } catch (const FormatError& error) {
      return error.what();
    }
    return "";
  }
};

TEST_F(StatesThatAreWrong, AreRefused) {
  EXPECT_EQ(error_of([](Graph&) {}), "");
  EXPECT_NE(error_of([](Graph& g) {
              g.states[0].initial = g.states[0].before;
            }).find("does not begin as a constant"),
            std::string::npos);
  EXPECT_NE(error_of([](Graph& g) { g.states[1].before = g.states[0].before; }).find("twice"),
            std::string::npos);
  EXPECT_NE(error_of([](Graph& g) { g.states[0].before = g.inputs[0]; }).find("twice"),
            std::string::npos);
  EXPECT_NE(error_of([](Graph& g) { g.states[0].after = g.outputs[0]; }).find("becomes"),
            std::string::npos);
}

TEST(States, KeepWhatTheyNeedAndNoMore) {
  Maker m = delay_line(false);
  m.op(op::Relu{}, {m.graph.inputs[0]}, 2);  // nobody reads it
  const auto before = delay_line(false).graph.to_string();
  m.graph.remove_unused();
  EXPECT_EQ(m.graph.to_string(), before);
}

}  // namespace
}  // namespace tuco::deploy
