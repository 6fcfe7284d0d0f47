// Recurrent layers and variables in .tflite files: networks of others against the bytes of TFLite
// Micro, run after run (tests/golden/make_sequence_golden.py), and files that are wrong.
#include <gtest/gtest.h>

#include "tests/deploy/device_run.h"
#include "tests/deploy/exported_c.h"
#include "tests/support/shared_archive.h"
#include "tests/support/temporary_folder.h"
#include "tuco/autograd/functions.h"
#include "tuco/core/error.h"
#include "tuco/deploy/device_file.h"
#include "tuco/deploy/engine/context.h"
#include "tuco/deploy/export_tflite.h"
#include "tuco/deploy/import_tflite.h"
#include "tuco/deploy/passes.h"
#include "tuco/deploy/run_graph.h"
#include "tuco/deploy/tflite/builder.h"

namespace tuco::deploy {
namespace {

namespace schema = tflite::schema;
using schema::ActivationFunctionType;
using schema::BuiltinOperator;
using schema::TensorType;

class TfliteSequences : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const std::string name = GetParam();
    const std::string golden = std::string(TUCO_SOURCE_DIR) + "/tests/golden/";
    if (name.starts_with("stream")) {
      file_.emplace(File::open(golden + name + ".tflite"));
    } else {
      constexpr const char* kArchive = "data/models/tflite-extra.tar.gz";
      const auto archive = test::shared_data(kArchive);
      TUCO_NEEDS_SHARED(archive, kArchive);
      file_.emplace(test::SharedArchive(archive).open("tflite-extra/tflm/" + name + ".tflite"));
    }
    const Safetensors sequences = load_safetensors(golden + "sequences.safetensors");
    inputs_ = *sequences.find(name + "/in");
    outputs_ = *sequences.find(name + "/out");
  }

  int64_t runs() const { return inputs_.dim(0); }
  Tensor input(int64_t run) const { return contiguous(slice(inputs_, 0, run, run + 1)); }
  Tensor output(int64_t run) const { return contiguous(slice(outputs_, 0, run, run + 1)); }

  void expect_int8(const QuantizedModel& model) const {
    std::vector<Tensor> states;
    Context context(Plan::compile(model));
    const DeviceFile file = make_device_file(model);
    test::DeviceRun device(file.bytes, static_cast<size_t>(file.arena_bytes));
    ASSERT_EQ(device.status(), TUCO_OK) << "call " << device.call();
    for (int64_t run = 0; run < runs(); ++run) {
      const Tensor x = input(run);
      const auto expected = output(run).to_vector<int8_t>();
      EXPECT_EQ(interpret(model, x, {}, &states).to_vector<int8_t>(), expected) << "run " << run;
      std::copy_n(x.data<int8_t>(), x.numel(), context.input().data<int8_t>());
      context.run();
      EXPECT_EQ(context.output().to_vector<int8_t>(), expected) << "in the engine, run " << run;
      EXPECT_EQ(device.run(x.data<int8_t>()), expected) << "on a device, run " << run;
    }
    test::expect_exported_sequence(model, inputs_.to_vector<int8_t>(), outputs_.to_vector<int8_t>(),
                                   "gcc -std=c99 -O1 -Wall -Wextra -Werror");
  }

  void expect_float(const Graph& graph) const {
    std::vector<Tensor> states;
    Context context(Plan::compile(graph));
    for (int64_t run = 0; run < runs(); ++run) {
      const Tensor x = input(run);
      const auto expected = output(run).to_vector<float>(),
                 plain = run_graph(graph, {x}, {}, &states)[0].to_vector<float>();
      std::copy_n(x.data<float>(), x.numel(), context.input().data<float>());
      context.run();
      const auto fast = context.output().to_vector<float>();
      ASSERT_EQ(plain.size(), expected.size());
      for (size_t i = 0; i < expected.size(); ++i) {
        EXPECT_NEAR(plain[i], expected[i], 1e-5) << "run " << run << ", output " << i;
        EXPECT_NEAR(fast[i], expected[i], 1e-5) << "run " << run << ", output " << i;
      }
    }
  }

  std::optional<File> file_;
  Tensor inputs_, outputs_;
};

TEST_P(TfliteSequences, GiveTheNumbersOfTfliteMicro) {
  const StoredNetwork network = import_tflite(*file_);
  EXPECT_EQ(network.graph.states.size(), std::string(GetParam()).starts_with("stream") ? 1u : 2u);
  if (network.rounding)
    expect_int8({network.graph, *network.rounding});
  else
    expect_float(network.graph);
}

TEST_P(TfliteSequences, ComeBackFromWhatIsWritten) {
  const StoredNetwork network = import_tflite(*file_);
  const auto again = [](const Bytes& bytes) { return import_tflite(File::memory(bytes, "again")); };
  if (network.rounding) {
    const StoredNetwork back =
        again(generate_tflite(QuantizedModel{network.graph, *network.rounding}));
    expect_int8({back.graph, back.rounding.value()});
  } else {
    expect_float(again(generate_tflite(network.graph)).graph);
  }
}

class TfliteFloatSequences : public TfliteSequences {};

// A float network with states becomes an int8 one that gives about the same, run after run.
TEST_P(TfliteFloatSequences, CanBeQuantized) {
  const StoredNetwork network = import_tflite(*file_);
  Graph graph = network.graph;
  optimize(graph);
  const QuantizedModel model = quantize(graph, inputs_);
  const auto quantization = [&](int v) { return *model.graph.values[v].quantization; };
  std::vector<Tensor> states, real_states;
  float range = 0, error = 0;
  for (int64_t run = 0; run < runs(); ++run) {
    const Tensor x = input(run);
    const Tensor real = run_graph(graph, {x}, {}, &real_states)[0];
    const Tensor integers =
        interpret(model, quantize_values(x, quantization(model.graph.inputs[0])), {}, &states);
    const Tensor got = dequantize_values(integers, quantization(model.graph.outputs[0]));
    range = std::max(range, max(abs(real)).item<float>());
    error = std::max(error, max(abs(real - got)).item<float>());
  }
  EXPECT_LT(error, 0.06f * range);
}

INSTANTIATE_TEST_SUITE_P(Of, TfliteFloatSequences, testing::Values("stream", "trained_lstm"),
                         [](const auto& of) { return std::string(of.param); });
INSTANTIATE_TEST_SUITE_P(Of, TfliteSequences,
                         testing::Values("stream", "stream_int8", "trained_lstm",
                                         "trained_lstm_int8"),
                         [](const auto& of) { return std::string(of.param); });

/// A file with an LSTM of 3 inputs and 2 units, of which tests spoil something.
struct LstmFile {
  tflite::Builder builder;
  std::vector<int> inputs;
  Shape x{1, 4, 3};
  ActivationFunctionType activation = ActivationFunctionType::TANH;
  float clip = 0;
  bool time_major = false;

  LstmFile() {
    inputs.assign(24, -1);
    inputs[0] = builder.add_tensor("x", TensorType::FLOAT32, x, {});
    for (int i = 1; i < 5; ++i) inputs[i] = constant({2, 3});
    for (int i = 5; i < 9; ++i) inputs[i] = constant({2, 2});
    for (int i = 12; i < 16; ++i) inputs[i] = constant({2});
    for (int i = 18; i < 20; ++i) inputs[i] = variable({1, 2});
  }
  int constant(const Shape& shape) { return builder.add_constant("c", full(shape, 0.5)); }
  int variable(const Shape& shape) {
    return builder.add_tensor("state", TensorType::FLOAT32, shape, {}, true);
  }
  std::string error() {
    const int y = builder.add_tensor("y", TensorType::FLOAT32, {1, 4, 2}, {});
    builder.add_operator(BuiltinOperator::UNIDIRECTIONAL_SEQUENCE_LSTM, 1, inputs, {y},
                         builder.add_options(schema::CreateUnidirectionalSequenceLSTMOptions,
                                             activation, clip, 0.0f, time_major, false, false));
    const Bytes bytes = builder.finish({inputs[0]}, {y});
    return test::message_of<Error>([&] { import_tflite(File::memory(bytes, "file")); });
  }
};

TEST(TfliteLstm, OfAnotherKindIsRefusedByName) {
  EXPECT_EQ(LstmFile().error(), "");
  const auto expect_error = [](auto&& change, const std::string& what) {
    LstmFile file;
    change(file);
    const std::string error = file.error();
    EXPECT_NE(error.find("operator 0 (UNIDIRECTIONAL_SEQUENCE_LSTM): for \"y\": "), error.npos);
    EXPECT_NE(error.find(what), error.npos) << error;
  };
  expect_error([](LstmFile& f) { f.inputs.resize(19); }, "19 inputs, expected 24");
  expect_error([](LstmFile& f) { f.time_major = true; }, "the time as the first dimension");
  expect_error([](LstmFile& f) { f.activation = ActivationFunctionType::RELU; },
               "another activation than TANH");
  expect_error([](LstmFile& f) { f.inputs[9] = f.inputs[12]; }, "with peepholes");
  expect_error([](LstmFile& f) { f.inputs[16] = f.inputs[5]; }, "with a projection");
  expect_error([](LstmFile& f) { f.inputs[20] = f.inputs[12]; }, "with layer normalisation");
  expect_error([](LstmFile& f) { f.inputs[1] = -1; }, "gates coupled");
  expect_error(
      [](LstmFile& f) {
        f.inputs[2] = f.constant({2, 4});
      },
      "input 2 is (2, 4), expected (2, 3)");
  expect_error(
      [](LstmFile& f) {
        f.inputs[6] = f.constant({3, 2});
      },
      "input 6 is (3, 2), expected (2, 2)");
  expect_error([](LstmFile& f) { f.inputs[13] = f.constant({3}); },
               "input 13 is (3,), expected (2,)");
  expect_error(
      [](LstmFile& f) {
        f.inputs[18] = f.variable({1, 3});
      },
      "variable \"state\" is (1, 3), expected (1, 2)");
  expect_error([](LstmFile& f) { f.inputs[19] = f.constant({1, 2}); }, "is no variable");
  expect_error([](LstmFile& f) { f.inputs[19] = f.inputs[18]; }, "is there already");
  expect_error([](LstmFile& f) { f.clip = -1; }, "cells clipped at -1");
}

/// y = x + what a variable was, which then is y; with room for mistakes.
struct VariableFile {
  tflite::Builder builder;
  int x, y, handle, value;
  int graph = 1;

  VariableFile() {
    x = tensor("x", {1, 2});
    handle = builder.add_tensor("handle", TensorType::RESOURCE, {}, {});
    value = tensor("value", {1, 2});
    y = tensor("y", {1, 2});
  }
  int tensor(const char* name, const Shape& shape) {
    return builder.add_tensor(name, TensorType::FLOAT32, shape, {});
  }
  void call_once() {
    builder.add_operator(BuiltinOperator::CALL_ONCE, 1, {}, {},
                         builder.add_options(schema::CreateCallOnceOptions, graph));
  }
  void add_handle(int tensor) {
    const auto name = builder.add_text("v");
    builder.add_operator(BuiltinOperator::VAR_HANDLE, 1, {}, {tensor},
                         builder.add_options(schema::CreateVarHandleOptions,
                                             flatbuffers::Offset<flatbuffers::String>(), name));
  }
  void read(int to) {
    builder.add_operator(BuiltinOperator::READ_VARIABLE, 1, {handle}, {to},
                         builder.add_options(schema::CreateReadVariableOptions));
  }
  void assign(int to, int from) {
    builder.add_operator(BuiltinOperator::ASSIGN_VARIABLE, 1, {to, from}, {},
                         builder.add_options(schema::CreateAssignVariableOptions));
  }
  void add(int a, int b, int to) {
    builder.add_operator(
        BuiltinOperator::ADD, 1, {a, b}, {to},
        builder.add_options(schema::CreateAddOptions, ActivationFunctionType::NONE, false));
  }
  /// Ends the network and makes the graph that runs once.
  void initial(const Tensor& tensor) {
    builder.end_graph({x}, {y});
    const int inner = builder.add_tensor("handle", TensorType::RESOURCE, {}, {});
    add_handle(inner);
    assign(inner, builder.add_constant("initial", tensor));
  }
  StoredNetwork import(std::vector<int> inputs = {}, std::vector<int> outputs = {}) {
    return import_tflite(File::memory(builder.finish(inputs, outputs), "file"));
  }
  std::string error() {
    return test::message_of<Error>([&] { import(); });
  }
};

TEST(TfliteVariables, BeginAsCallOnceSaysAndGoOn) {
  VariableFile file;
  file.call_once();
  file.add_handle(file.handle);
  file.read(file.value);
  file.add(file.x, file.value, file.y);
  file.assign(file.handle, file.y);
  file.initial(from_values<float>({10, 20}, {1, 2}));
  const Graph graph = file.import().graph;
  std::vector<Tensor> states;
  const Tensor x = from_values<float>({1, 2}, {1, 2});
  for (const float run : {1.0f, 2.0f, 3.0f})
    EXPECT_EQ(run_graph(graph, {x}, {}, &states)[0].to_vector<float>(),
              (std::vector<float>{10 + run, 20 + 2 * run}));
}

TEST(TfliteVariables, WithoutAValueBeginAsZeros) {
  VariableFile file;
  file.add_handle(file.handle);
  file.read(file.value);
  file.add(file.x, file.value, file.y);
  file.assign(file.handle, file.y);
  const Graph graph = file.import({file.x}, {file.y}).graph;
  EXPECT_EQ(run_graph(graph, {from_values<float>({1, 2}, {1, 2})})[0].to_vector<float>(),
            (std::vector<float>{1, 2}));
  ASSERT_EQ(graph.states.size(), 1u);
}

TEST(TfliteVariables, ThatAreSetBeforeTheyAreReadAreNoStates) {
  VariableFile file;
  file.add_handle(file.handle);
  file.assign(file.handle, file.x);
  file.read(file.value);
  file.add(file.x, file.value, file.y);
  const Graph graph = file.import({file.x}, {file.y}).graph;
  EXPECT_TRUE(graph.states.empty());
  EXPECT_EQ(run_graph(graph, {from_values<float>({1, 2}, {1, 2})})[0].to_vector<float>(),
            (std::vector<float>{2, 4}));
}

TEST(TfliteVariables, ThatAreWrongAreRefused) {
  const auto expect_error = [](const std::string& what, auto&& build, const Tensor& initial) {
    VariableFile file;
    file.call_once();
    build(file);
    file.initial(initial);
    const std::string error = file.error();
    EXPECT_NE(error.find(what), error.npos) << error;
  };
  const Tensor two = full({1, 2}, 1);
  const auto whole = [](VariableFile& f) {
    f.add_handle(f.handle);
    f.read(f.value);
    f.add(f.x, f.value, f.y);
    f.assign(f.handle, f.y);
  };
  expect_error("begins as float32 (1, 3)", whole, full({1, 3}, 1));
  expect_error("\"initial\" is INT32, expected FLOAT32", whole, full({1, 2}, 1, {DType::int32}));
  expect_error(
      "input 0 is no variable",
      [](VariableFile& f) {
        f.read(f.value);
        f.add(f.x, f.value, f.y);
      },
      two);
  expect_error(
      "becomes float32 (1, 3)",
      [&](VariableFile& f) {
        f.add_handle(f.handle);
        f.read(f.value);
        f.add(f.x, f.value, f.y);
        const int wide = f.tensor("wide", {1, 3});
        f.builder.add_operator(
            BuiltinOperator::FULLY_CONNECTED, 1,
            {f.x, f.builder.add_constant("w", full({3, 2}, 1))}, {wide},
            f.builder.add_options(schema::CreateFullyConnectedOptions, ActivationFunctionType::NONE,
                                  schema::FullyConnectedOptionsWeightsFormat::DEFAULT, false,
                                  false));
        f.assign(f.handle, wide);
      },
      two);
  expect_error(
      "it names graph 2, there are 2",
      [&](VariableFile& f) {
        f.graph = 2;
        f.call_once();
        whole(f);
      },
      two);
  VariableFile unnamed;
  whole(unnamed);
  unnamed.initial(two);
  EXPECT_NE(unnamed.error().find("2 subgraphs, expected one and those that CALL_ONCE names"),
            std::string::npos);
  VariableFile computing;
  computing.call_once();
  whole(computing);
  computing.builder.end_graph({computing.x}, {computing.y});
  computing.add(computing.tensor("a", {1, 2}), computing.tensor("b", {1, 2}),
                computing.tensor("c", {1, 2}));
  EXPECT_NE(computing.error().find("its graph has ADD"), std::string::npos);
}

}  // namespace
}  // namespace tuco::deploy
