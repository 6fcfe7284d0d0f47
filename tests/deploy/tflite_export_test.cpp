// .tflite files that Tuco writes: read again they give the same bytes. TFLite Micro's bytes for
// them are compared by compare_tflite.py.
#include "tuco/deploy/export_tflite.h"

#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "tests/deploy/networks.h"
#include "tests/deploy/random_files.h"
#include "tests/deploy/random_models.h"
#include "tests/support/temporary_folder.h"
#include "tuco/autograd/run_op.h"
#include "tuco/core/error.h"
#include "tuco/deploy/engine/context.h"
#include "tuco/deploy/import_tflite.h"
#include "tuco/deploy/interpreter.h"
#include "tuco/deploy/passes.h"
#include "tuco/deploy/run_graph.h"
#include "tuco/deploy/tflite/file_model.h"
#include "tuco/deploy/trace.h"

namespace tuco::deploy {
namespace {

File file_of(const Bytes& bytes) { return File::memory(bytes, "test"); }

/// The operators in a file, in order.
std::vector<std::string> operators_of(const Bytes& bytes) {
  const tflite::FileModel model(file_of(bytes));
  std::vector<std::string> names;
  for (const tflite::OperatorView& op : model.operators()) names.push_back(op.name);
  return names;
}

QuantizedModel import_model(const Bytes& bytes) {
  StoredNetwork network = import_tflite(file_of(bytes));
  require<Error>(network.rounding.has_value(), "not an int8 model");
  return {std::move(network.graph), *network.rounding};
}

/// Three random images for a model.
Tensor images_for(const QuantizedModel& model, uint64_t seed) {
  Shape shape = model.graph.values[model.graph.inputs[0]].meta.shape;
  shape[0] = 3;
  Rng rng(seed);
  return test::random_integers(shape, rng);
}

/// Every one of these operators, whose names spaces keep apart, is among those seen.
void expect_seen(const std::set<std::string>& seen, const char* operators) {
  std::istringstream names(operators);
  for (std::string name; names >> name;) EXPECT_TRUE(seen.contains(name)) << name;
}

TEST(ExportTflite, RandomModelsComeBackWithTheSameBytes) {
  std::set<std::string> seen;
  int refused = 0;
  for (uint64_t seed = 1; seed <= 1000; ++seed) {
    SCOPED_TRACE(seed);
    const QuantizedModel model = test::random_int8_model(seed);
    Bytes bytes;
    try {
      bytes = generate_tflite(model);
    } catch (const UnsupportedOp&) {
      ++refused;
      continue;
    }
    for (const std::string& name : operators_of(bytes)) seen.insert(name);
    const QuantizedModel again = import_model(bytes);
    const Tensor input = images_for(model, seed);
    const auto expected = interpret(model, input).to_vector<int8_t>();
    EXPECT_EQ(interpret(again, input).to_vector<int8_t>(), expected);
    if (seed % 4 == 0) {
      EXPECT_EQ(Context(Plan::compile(again, {.max_batch = 3}))(input).to_vector<int8_t>(),
                expected);
    }
    EXPECT_EQ(again.graph.inputs.size(), 1u);
    EXPECT_EQ(again.graph.values[again.graph.outputs[0]].quantization,
              model.graph.values[model.graph.outputs[0]].quantization);
  }
  EXPECT_LT(refused, 70);  // most by a state that does not begin as zeros
  expect_seen(
      seen,
      "ABS ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D ELU FULLY_CONNECTED "
      "HARD_SWISH LEAKY_RELU LOGISTIC MAXIMUM MAX_POOL_2D MEAN MINIMUM MUL PAD PADV2 PRELU "
      "QUANTIZE RELU RELU6 RESHAPE RESIZE_NEAREST_NEIGHBOR RSQRT SOFTMAX STRIDED_SLICE SUB SUM "
      "TANH TRANSPOSE UNIDIRECTIONAL_SEQUENCE_LSTM CALL_ONCE VAR_HANDLE READ_VARIABLE "
      "ASSIGN_VARIABLE");
}

// What is read in one form is written in another, of the same bytes.
TEST(ExportTflite, RandomFilesComeBackWithTheSameBytes) {
  std::set<std::string> seen;
  int refused = 0;
  for (uint64_t seed = 1; seed <= 1000; ++seed) {
    SCOPED_TRACE(seed);
    const Bytes file = test::random_int8_file(seed);
    QuantizedModel model;
    try {
      model = import_model(file);
    } catch (const UnsupportedOp&) {
      ++refused;
      continue;
    }
    for (const std::string& name : operators_of(file)) seen.insert(name);
    const QuantizedModel again = import_model(generate_tflite(model));
    const Tensor input = images_for(model, seed);
    const auto expected = interpret(model, input).to_vector<int8_t>();
    EXPECT_EQ(interpret(again, input).to_vector<int8_t>(), expected);
    EXPECT_EQ(Context(Plan::compile(model, {.max_batch = 3}))(input).to_vector<int8_t>(), expected);
  }
  EXPECT_LT(refused, 20);
  expect_seen(
      seen,
      "ABS ADD ELU EXPAND_DIMS HARD_SWISH LEAKY_RELU MAXIMUM MEAN MINIMUM MUL PACK PRELU QUANTIZE "
      "REDUCE_MAX RELU6 RESIZE_NEAREST_NEIGHBOR RSQRT SLICE SPLIT SPLIT_V SQUEEZE STRIDED_SLICE "
      "SUB SUM TRANSPOSE UNPACK");
}

/// A float network, the operators that it becomes, and how it comes back.
void expect_float(const test::Network& network, const std::vector<std::string>& operators) {
  SCOPED_TRACE(fmt::format("{}", fmt::join(operators, " ")));
  const Graph graph = trace(network.forward, test::random_images(network, 1, 1), network.constants);
  const Bytes bytes = generate_tflite(graph);
  EXPECT_EQ(operators_of(bytes), operators);
  const StoredNetwork again = import_tflite(file_of(bytes));
  EXPECT_FALSE(again.rounding.has_value());
  const Tensor images = test::random_images(network, 3, 5);
  const auto expected = run_graph(graph, {images})[0].to_vector<float>(),
             got = run_graph(again.graph, {images})[0].to_vector<float>();
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i)
    ASSERT_NEAR(got[i], expected[i], 1e-5f * (1 + std::abs(expected[i])));
}

TEST(ExportTflite, FloatOpsBecomeOperatorsAndComeBack) {
  using Names = std::vector<std::string>;
  test::Builder b(3);
  const Tensor row = b.constant("row", {4}, 1, 3), image = b.constant("image", {3, 5, 4}, 1, 3);
  const Tensor small = b.constant("small", {4}, 0.3);
  const Tensor matrix = b.constant("matrix", {4, 6}, 1);
  const auto conv = b.conv("conv", 4, 6, 3, {.padding = 1}),
             strided = b.conv("strided", 4, 6, 3, {.stride = 2, .padding = 1}),
             deep = b.conv("deep", 4, 8, Hw(2, 3), {.dilation = {1, 2}, .groups = 4}),
             odd = b.conv("odd", 4, 2, 3, {.padding = {2, 0, 1, 1}}),
             grouped = b.conv("grouped", 4, 6, 1, {.groups = 2});
  const auto dense = b.dense("dense", 60, 7), last = b.dense("last", 4, 2);
  const auto norm = b.norm("norm", 4);
  const test::Network base = b.finish({}, {3, 5, 4});
  const auto expect = [&](const std::function<Tensor(const Tensor&)>& forward, const Names& names) {
    expect_float({forward, base.constants, base.input}, names);
  };
  const auto x2 = [](const Tensor& x) { return x * x + 0.5; };
  expect([&](const Tensor& x) { return conv(x); }, {"CONV_2D"});
  expect([&](const Tensor& x) { return strided(x); }, {"CONV_2D"});
  expect([&](const Tensor& x) { return deep(x); }, {"DEPTHWISE_CONV_2D"});
  expect([&](const Tensor& x) { return odd(x); }, {"PAD", "CONV_2D"});
  expect([&](const Tensor& x) { return grouped(x); }, {"CONV_2D"});
  expect([&](const Tensor& x) { return relu(dense(flatten(x))); },
         {"RESHAPE", "FULLY_CONNECTED", "RELU"});
  expect([&](const Tensor& x) { return last(x); }, {"FULLY_CONNECTED"});
  expect([&](const Tensor& x) { return matmul(x, matrix); }, {"BATCH_MATMUL"});
  expect([&](const Tensor& x) { return norm(x); }, {"MUL", "ADD"});
  expect([&](const Tensor& x) { return x + row; }, {"ADD"});
  expect([&](const Tensor& x) { return x - image; }, {"SUB"});
  expect([&](const Tensor& x) { return image * x; }, {"MUL"});
  expect([&](const Tensor& x) { return x / row; }, {"DIV"});
  expect([&](const Tensor& x) { return maximum(x, small); }, {"MAXIMUM"});
  expect([&](const Tensor& x) { return minimum(x, small); }, {"MINIMUM"});
  expect([&](const Tensor& x) { return x * 2 + 1; }, {"MUL", "ADD"});
  expect([&](const Tensor& x) { return relu6(x * 9); }, {"MUL", "RELU6"});
  expect([&](const Tensor& x) { return clamp(x, -0.3, 0.4); }, {"MAXIMUM", "MINIMUM"});
  expect([&](const Tensor& x) { return abs(x); }, {"ABS"});
  expect([&](const Tensor& x) { return exp(x); }, {"EXP"});
  expect([&](const Tensor& x) { return log(x2(x)); }, {"MUL", "ADD", "LOG"});
  expect([&](const Tensor& x) { return sqrt(x2(x)); }, {"MUL", "ADD", "SQRT"});
  expect([&](const Tensor& x) { return pow(x2(x), -0.5); }, {"MUL", "ADD", "RSQRT"});
  expect([&](const Tensor& x) { return pow(x, 2); }, {"SQUARE"});
  expect([&](const Tensor& x) { return pow(x2(x), 1.7); }, {"MUL", "ADD", "POW"});
  expect([&](const Tensor& x) { return elu(x); }, {"ELU"});
  expect([&](const Tensor& x) { return prelu(x, row); }, {"PRELU"});
  expect([&](const Tensor& x) { return tanh(x); }, {"TANH"});
  expect([&](const Tensor& x) { return sigmoid(x); }, {"LOGISTIC"});
  expect([&](const Tensor& x) { return softmax(x); }, {"SOFTMAX"});
  expect([&](const Tensor& x) { return log_softmax(x); }, {"LOG_SOFTMAX"});
  expect([&](const Tensor& x) { return mean(x, {1, 2}); }, {"MEAN"});
  expect([&](const Tensor& x) { return sum(x, {3}, true); }, {"SUM"});
  expect([&](const Tensor& x) { return max(x, {2}); }, {"REDUCE_MAX"});
  expect([&](const Tensor& x) { return concat({x, relu(x)}, 2); }, {"RELU", "CONCATENATION"});
  expect([&](const Tensor& x) { return pad(x, {0, 1, 0, 0}, {0, 0, 2, 0}); }, {"PAD"});
  expect([&](const Tensor& x) { return pad(x, {0, 1, 0, 0}, {0, 0, 2, 0}, 1.5); }, {"PADV2"});
  expect([&](const Tensor& x) { return permute(x, {0, 3, 1, 2}); }, {"TRANSPOSE"});
  expect([&](const Tensor& x) { return slice(x, 2, 1, 4); }, {"STRIDED_SLICE"});
  expect([&](const Tensor& x) { return max_pool2d(x, {.kernel = 2, .stride = 1}); },
         {"MAX_POOL_2D"});
  expect([&](const Tensor& x) { return max_pool2d(x, {.kernel = 3, .stride = 2, .padding = 1}); },
         {"MAX_POOL_2D"});
  expect(
      [&](const Tensor& x) {
        return max_pool2d(x, {.kernel = 2, .stride = 2, .padding = {1, 0, 1, 0}});
      },
      {"PADV2", "MAX_POOL_2D"});
  expect(
      [&](const Tensor& x) {
        return avg_pool2d(x, {.kernel = 2, .stride = 2, .padding = {0, 1, 0, 1}});
      },
      {"AVERAGE_POOL_2D"});
  expect(
      [&](const Tensor& x) {
        return avg_pool2d(x, {.kernel = 3, .stride = 1, .padding = 1, .count_include_pad = true});
      },
      {"PAD", "AVERAGE_POOL_2D"});
}

// Of float networks, in int8: the operators, which give the bytes of the table that Tuco has.
TEST(ExportTflite, QuantizedFunctionsBecomeOperatorsAndComeBack) {
  using Names = std::vector<std::string>;
  const auto expect = [](const std::function<Tensor(const Tensor&)>& forward, const Names& names) {
    SCOPED_TRACE(fmt::format("{}", fmt::join(names, " ")));
    const test::Network network{forward, {}, {3, 5, 4}};
    Graph graph = trace(forward, test::random_images(network, 1, 1), {});
    optimize(graph);
    const Tensor images = test::random_images(network, 8, 2);
    const QuantizedModel model = quantize(graph, images);
    const Bytes bytes = generate_tflite(model);
    EXPECT_EQ(operators_of(bytes), names);
    const Tensor x = images_for(model, 7);
    EXPECT_EQ(interpret(import_model(bytes), x).to_vector<int8_t>(),
              interpret(model, x).to_vector<int8_t>());
    // Every number within a step and a half of the real one.
    const Quantization& scale = *model.graph.values[model.graph.outputs[0]].quantization;
    const Quantization& in = *model.graph.values[model.graph.inputs[0]].quantization;
    const Tensor seen = quantize_values(images, in);
    const auto got = dequantize_values(interpret(model, seen), scale).to_vector<float>(),
               real = run_graph(graph, {dequantize_values(seen, in)})[0].to_vector<float>();
    const float lowest = scale.scale[0] * static_cast<float>(-128 - scale.zero_point[0]),
                highest = scale.scale[0] * static_cast<float>(127 - scale.zero_point[0]);
    for (size_t i = 0; i < got.size(); ++i)
      EXPECT_NEAR(got[i], std::clamp(real[i], lowest, highest), 1.5 * scale.scale[0]);
  };
  expect([](const Tensor& x) { return elu(x); }, {"ELU"});
  expect([](const Tensor& x) { return abs(x); }, {"ABS"});
  expect([](const Tensor& x) { return exp(x); }, {"EXP"});
  expect([](const Tensor& x) { return -x; }, {"MUL"});
  expect([](const Tensor& x) { return x * 0.3; }, {"MUL"});
  expect([](const Tensor& x) { return x + 17; }, {"ADD"});
  expect([](const Tensor& x) { return 0.25 - x; }, {"SUB"});
  expect([](const Tensor& x) { return run_op1(op::Affine{0.3, -0.1}, {x}); }, {"MUL", "ADD"});
  expect([](const Tensor& x) { return run_op1(op::Affine{-3, 2}, {x}); }, {"MUL", "ADD"});
  expect([](const Tensor& x) { return pow(x, 2); }, {"MUL"});
  expect([](const Tensor& x) { return sum(x, {1, 2}); }, {"SUM"});
}

TEST(ExportTflite, ActivationsAreFusedWhereTheFormatHasThem) {
  test::Builder b(4);
  const auto conv = b.conv("conv", 2, 3, 1, {});
  const test::Network base = b.finish({}, {4, 4, 2});
  const auto operators = [&](const std::function<Tensor(const Tensor&)>& activation) {
    Graph graph = trace([&](const Tensor& x) { return activation(conv(x)); },
                        test::random_images(base, 1, 1), base.constants);
    optimize(graph);
    EXPECT_EQ(graph.nodes.size(), 1u);
    const Bytes bytes = generate_tflite(graph);
    const auto activation_again = import_tflite(file_of(bytes)).graph.nodes.at(0).activation;
    return std::pair(operators_of(bytes), activation_again);
  };
  using Names = std::vector<std::string>;
  const auto [relu_names, of_relu] = operators([](const Tensor& x) { return relu(x); });
  EXPECT_EQ(relu_names, Names{"CONV_2D"});
  EXPECT_TRUE(of_relu && of_relu->low == 0 && std::isinf(of_relu->high));
  const auto [six_names, of_six] = operators([](const Tensor& x) { return relu6(x); });
  EXPECT_EQ(six_names, Names{"CONV_2D"});
  EXPECT_TRUE(of_six && of_six->low == 0 && of_six->high == 6);
  const auto [one_names, of_one] = operators([](const Tensor& x) { return clamp(x, -1, 1); });
  EXPECT_EQ(one_names, Names{"CONV_2D"});
  EXPECT_TRUE(of_one && of_one->low == -1 && of_one->high == 1);
  const auto [other_names, of_other] = operators([](const Tensor& x) { return clamp(x, -2, 1); });
  EXPECT_EQ(other_names, (Names{"CONV_2D", "MAXIMUM", "MINIMUM"}));
  EXPECT_FALSE(of_other.has_value());
}

TEST(ExportTflite, PreprocessingTravelsWithTheModel) {
  const auto network = test::small_network();
  Graph graph = trace(network.forward, test::random_images(network, 1, 1), network.constants);
  optimize(graph);
  graph.preprocessing = Preprocessing{.height = 12, .width = 12, .class_names = {"a", "b", "c"}};
  const QuantizedModel model = quantize(graph, test::random_images(network, 8, 2));
  const test::TemporaryFolder folder;
  const std::string path = folder.path() / "model.tflite";
  write_tflite(path, model, {{"tuco.note", "text"}});
  const StoredNetwork again = load_network(File::open(path));
  EXPECT_EQ(again.graph.preprocessing, graph.preprocessing);
  EXPECT_EQ(again.metadata.at("tuco.note"), "text");
  EXPECT_EQ(again.rounding, Rounding::kDouble);
  EXPECT_EQ(load_model(path).graph.to_string(), again.graph.to_string());
}

TEST(ExportTflite, ConstantsAreAligned) {
  const Bytes bytes = generate_tflite(test::random_int8_model(5));
  int constants = 0;
  for (const auto* buffer : *tflite::schema::GetModel(bytes.data())->buffers())
    if (buffer->data()) {
      EXPECT_EQ((buffer->data()->data() - bytes.data()) % 16, 0);
      ++constants;
    }
  EXPECT_GT(constants, 0);
}

TEST(ExportTflite, RefusesByNameWhatHasNoForm) {
  const auto refused = [](const std::function<Tensor(const Tensor&)>& forward) {
    const test::Network network{forward, {}, {4, 5, 2}};
    const Graph graph = trace(forward, test::random_images(network, 1, 1), {});
    return test::message_of<UnsupportedOp>([&] { generate_tflite(graph); });
  };
  EXPECT_EQ(refused([](const Tensor& x) { return argmax(relu(x), 3); }),
            "tflite: node 1 (argmax): TFLite, as Tuco writes it, has no such operator");
  EXPECT_EQ(refused([](const Tensor& x) { return prelu(mean(x, {3}, true), x); }),
            "tflite: node 1 (prelu): of (1, 4, 5, 1) with slopes (1, 4, 5, 2), which are more");
  const auto refused_int8 = [](const std::function<Tensor(const Tensor&)>& forward) {
    const test::Network network{forward, {}, {4, 5, 2}};
    const Graph graph = trace(forward, test::random_images(network, 1, 1), {});
    return test::message_of<UnsupportedOp>(
        [&] { generate_tflite(quantize(graph, test::random_images(network, 4, 2))); });
  };
  EXPECT_EQ(refused_int8([](const Tensor& x) { return sqrt(sigmoid(x)); }),
            "tflite: node 1 (sqrt): of int8, on which the format's runtimes disagree");
  EXPECT_EQ(refused_int8([](const Tensor& x) { return pow(sigmoid(x), 1.5); }),
            "tflite: node 1 (pow): to the power of 1.5, of which the format has no int8");
  EXPECT_EQ(refused([](const Tensor& x) {
              return avg_pool2d(x, {.kernel = 2, .stride = 1, .padding = {1, 0, 0, 0}});
            }),
            "tflite: node 0 (avg_pool2d): averages over padding that is neither SAME nor counts");

  QuantizedModel model = test::random_int8_model(3);
  model.rounding = Rounding::kSingle;
  EXPECT_NE(
      test::message_of<UnsupportedOp>([&] { generate_tflite(model); }).find("single rounding"),
      std::string::npos);
  const test::TemporaryFolder folder;
  EXPECT_THROW(write_tflite(folder.path() / "none.tflite", model), UnsupportedOp);
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "none.tflite"));
}

}  // namespace
}  // namespace tuco::deploy
