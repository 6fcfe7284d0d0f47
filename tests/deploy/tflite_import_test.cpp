// Networks of others: .tflite files of MLPerf Tiny and of TFLite Micro, against the bytes that
// TFLite Micro's reference kernels give for them, in the interpreter, in the engine and in exported
// C.
#include "tuco/deploy/import_tflite.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/deploy/exported_c.h"
#include "tests/support/shared_archive.h"
#include "tests/support/temporary_folder.h"
#include "tuco/autograd/functions.h"
#include "tuco/deploy/engine/context.h"
#include "tuco/deploy/interpreter.h"
#include "tuco/deploy/run_graph.h"

namespace tuco::deploy {
namespace {

constexpr const char* kGolden = "data/models/tflite-golden.tar.gz";

/// A model of the archives with inputs and outputs of TFLite Micro's.
struct GoldenCase {
  std::string model, input, output;
  Shape input_shape, output_shape;
};

template <class T>
Tensor read_tensor(const File& file, const Shape& shape) {
  std::vector<T> values(file.size() / sizeof(T));
  file.read(0, {reinterpret_cast<uint8_t*>(values.data()), values.size() * sizeof(T)});
  return from_values(values, shape);
}

class TfliteModels : public testing::Test {
 protected:
  void SetUp() override {
    for (const std::string name : {"mlperf-tiny", "tflite-extra"}) {
      const std::string path = "data/models/" + name + ".tar.gz";
      const auto archive = test::shared_data(path);
      TUCO_NEEDS_SHARED(archive, path);
      archives_.emplace(name, archive);
    }
    const auto golden = test::shared_data(kGolden);
    TUCO_NEEDS_SHARED(golden, kGolden);
    golden_.emplace(golden);
    const auto text = golden_->open("golden/index.json").read_all();
    for (const auto& entry : nlohmann::json::parse(text)) {
      const auto file = [&](const char* side) {
        return "golden/" + entry.at(side).at("file").get<std::string>();
      };
      const auto shape = [&](const char* side) {
        return Shape(entry.at(side).at("shape").get<std::vector<int64_t>>());
      };
      cases_.push_back({entry.at("model").get<std::string>(), file("input"), file("output"),
                        shape("input"), shape("output")});
    }
  }

  File model(const std::string& name) const {
    return archives_.at(name.substr(0, name.find('/'))).open(name);
  }

  /// Calls test(name, cases) for each model that has golden values, and is int8 or not.
  template <class Test>
  void for_each(bool int8, Test&& test) const {
    int models = 0;
    for (size_t begin = 0, end = 0; begin < cases_.size(); begin = end) {
      while (end < cases_.size() && cases_[end].model == cases_[begin].model) ++end;
      SCOPED_TRACE(cases_[begin].model);
      const StoredNetwork network = import_tflite(model(cases_[begin].model));
      if (network.rounding.has_value() != int8) continue;
      test(network, std::span(cases_).subspan(begin, end - begin));
      ++models;
    }
    EXPECT_EQ(models, int8 ? 8 : 4);
  }

  std::map<std::string, test::SharedArchive> archives_;
  std::optional<test::SharedArchive> golden_;
  std::vector<GoldenCase> cases_;
};

TEST_F(TfliteModels, Int8OnesGiveTheBytesOfTfliteMicro) {
  for_each(true, [&](const StoredNetwork& network, std::span<const GoldenCase> cases) {
    const QuantizedModel model{network.graph, *network.rounding};
    const auto size = static_cast<int64_t>(cases.size());
    Context context(Plan::compile(model, {.max_batch = size}));
    std::vector<Tensor> inputs;
    std::vector<int8_t> outputs;
    for (const GoldenCase& c : cases) {
      inputs.push_back(read_tensor<int8_t>(golden_->open(c.input), c.input_shape));
      const auto expected =
          read_tensor<int8_t>(golden_->open(c.output), c.output_shape).to_vector<int8_t>();
      EXPECT_EQ(interpret(model, inputs.back()).to_vector<int8_t>(), expected) << c.input;
      EXPECT_EQ(context(inputs.back()).to_vector<int8_t>(), expected) << c.input;
      outputs.insert(outputs.end(), expected.begin(), expected.end());
    }
    // The batch is open.
    const Tensor all = concat(inputs, 0);
    EXPECT_EQ(interpret(model, all).to_vector<int8_t>(), outputs);
    EXPECT_EQ(context(all).to_vector<int8_t>(), outputs);
    test::expect_exported_bytes(model, all.to_vector<int8_t>(), outputs,
                                "gcc -std=c99 -O1 -Wall -Wextra -Werror");
  });
}

TEST_F(TfliteModels, FloatOnesGiveTheNumbersOfTfliteMicro) {
  for_each(false, [&](const StoredNetwork& network, std::span<const GoldenCase> cases) {
    Context context(Plan::compile(network.graph));
    for (const GoldenCase& c : cases) {
      const Tensor input = read_tensor<float>(golden_->open(c.input), c.input_shape);
      const auto expected =
          read_tensor<float>(golden_->open(c.output), c.output_shape).to_vector<float>();
      const auto plain = run_graph(network.graph, {input})[0].to_vector<float>(),
                 fast = context(input).to_vector<float>();
      ASSERT_EQ(plain.size(), expected.size());
      float largest = 1;
      for (const float v : expected) largest = std::max(largest, std::abs(v));
      for (size_t i = 0; i < expected.size(); ++i) {
        ASSERT_NEAR(plain[i], expected[i], 1e-5f * largest) << c.input << ", output " << i;
        ASSERT_NEAR(fast[i], expected[i], 1e-5f * largest) << c.input << ", output " << i;
      }
    }
  });
}

TEST_F(TfliteModels, OthersAreRefusedByName) {
  const auto refusal = [&](const std::string& name) {
    return test::message_of<UnsupportedOp>([&] { import_tflite(model(name)); });
  };
  const std::string keyword = "tflite-extra/tflm/keyword_scrambled_8bit.tflite";
  EXPECT_EQ(refusal(keyword), keyword + ": tflite: input \"\" is INT16, in a network of INT8");
}

// Weights of int8 in a float network become floats.
TEST_F(TfliteModels, WeightsOfHybridNetworksBecomeFloats) {
  const StoredNetwork network = import_tflite(model("mlperf-tiny/kws_ref_model_float32.tflite"));
  EXPECT_FALSE(network.rounding.has_value());
  for (const Graph::Value& value : network.graph.values)
    EXPECT_EQ(value.meta.dtype, DType::float32);
  const Tensor x = zeros({2, 49, 10, 1});
  EXPECT_NEAR(sum(run_graph(network.graph, {x})[0]).item<float>(), 2, 1e-5);
}

}  // namespace
}  // namespace tuco::deploy
