// Single operators of .tflite files: what they compute in float, and what is refused by name. Their
// int8 bytes are compared with TFLite Micro's by compare_tflite.py.
#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"
#include "tuco/autograd/functions.h"
#include "tuco/core/error.h"
#include "tuco/deploy/engine/context.h"
#include "tuco/deploy/import_tflite.h"
#include "tuco/deploy/interpreter.h"
#include "tuco/deploy/run_graph.h"
#include "tuco/deploy/tflite/builder.h"

namespace tuco::deploy {
namespace {

namespace schema = tflite::schema;
using schema::ActivationFunctionType;
using schema::BuiltinOperator;
using schema::TensorType;

/// A file of one operator whose first tensor, or the second, is the network's input.
class OneOperator {
 public:
  explicit OneOperator(bool int8 = false) : int8_(int8) {}

  tflite::Builder& builder() { return builder_; }
  /// Adds a tensor that is computed, and keeps it as the input or as an output.
  int input(const Shape& shape, const Quantization& q = kAny) {
    input_ = tensor(shape, q);
    return input_;
  }
  OneOperator& output(const Shape& shape, const Quantization& q = kAny) {
    outputs_.push_back(tensor(shape, q));
    return *this;
  }
  int integers(const std::vector<int32_t>& values) {
    return builder_.add_constant("numbers",
                                 from_values(values, {static_cast<int64_t>(values.size())}));
  }
  int integer(int32_t value) {
    return builder_.add_constant("number", from_values<int32_t>({value}, {}));
  }
  StoredNetwork import(BuiltinOperator code, const std::vector<int>& inputs,
                       const tflite::OptionsOffset& options = {}) {
    builder_.add_operator(code, 1, inputs, outputs_, options);
    return import_tflite(File::memory(builder_.finish({input_}, outputs_), "file"));
  }
  /// The outputs for an input, one after the other.
  std::vector<float> run(const std::vector<float>& x, BuiltinOperator code,
                         const std::vector<int>& inputs,
                         const tflite::OptionsOffset& options = {}) {
    const Graph graph = import(code, inputs, options).graph;
    std::vector<float> all;
    for (const Tensor& y :
         run_graph(graph, {from_values(x, graph.values[graph.inputs[0]].meta.shape)}))
      for (const float v : y.to_vector<float>()) all.push_back(v);
    return all;
  }
  std::string refusal(BuiltinOperator code, const std::vector<int>& inputs,
                      const tflite::OptionsOffset& options = {}) {
    return test::message_of<Error>([&] { import(code, inputs, options); });
  }

  static inline const Quantization kAny{{0.5f}, {3}, -1};

 private:
  int tensor(const Shape& shape, const Quantization& q) {
    return int8_ ? builder_.add_tensor("t", TensorType::INT8, shape, q)
                 : builder_.add_tensor("t", TensorType::FLOAT32, shape, {});
  }

  bool int8_;
  tflite::Builder builder_;
  int input_ = -1;
  std::vector<int> outputs_;
};

void expect_near(const std::vector<float>& got, const std::vector<float>& expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-5) << i;
}

TEST(TfliteOperators, ActivationsOfFloats) {
  const std::vector<float> x = {-4, -1, -0.5f, 0, 1, 5};
  const auto run = [&](BuiltinOperator code, const auto& options) {
    OneOperator file;
    const int input = file.input({1, 6});
    file.output({1, 6});
    return file.run(x, code, {input}, options(file.builder()));
  };
  const auto none = [](tflite::Builder&) { return tflite::OptionsOffset{}; };
  expect_near(
      run(BuiltinOperator::LEAKY_RELU,
          [](tflite::Builder& b) { return b.add_options(schema::CreateLeakyReluOptions, 0.25f); }),
      {-1, -0.25f, -0.125f, 0, 1, 5});
  expect_near(
      run(BuiltinOperator::LEAKY_RELU,
          [](tflite::Builder& b) { return b.add_options(schema::CreateLeakyReluOptions, -2.0f); }),
      {8, 2, 1, 0, 1, 5});
  expect_near(run(BuiltinOperator::HARD_SWISH, none),
              {0, -1.0f / 3, -2.5f * 0.5f / 6, 0, 4.0f / 6, 5});
  expect_near(run(BuiltinOperator::ELU, none),
              {std::exp(-4.0f) - 1, std::exp(-1.0f) - 1, std::exp(-0.5f) - 1, 0, 1, 5});
  expect_near(run(BuiltinOperator::RELU_0_TO_1, none), {0, 0, 0, 0, 1, 1});
}

TEST(TfliteOperators, TwoOperandsOfFloats) {
  OneOperator prelu;
  const int x = prelu.input({1, 2, 3});
  const int slopes = prelu.builder().add_constant("s", from_values<float>({0.5f, 2, -1}, {3}));
  prelu.output({1, 2, 3});
  expect_near(prelu.run({-2, -2, -2, 1, 2, 3}, BuiltinOperator::PRELU, {x, slopes}),
              {-1, -4, 2, 1, 2, 3});
  OneOperator power;
  const int base = power.input({1, 3});
  const int exponent = power.builder().add_constant("e", from_values<float>({1.5f}, {1}));
  power.output({1, 3});
  expect_near(power.run({1, 4, 9}, BuiltinOperator::POW, {base, exponent}), {1, 8, 27});
}

TEST(TfliteOperators, PartsOfFloats) {
  const std::vector<float> x = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  {
    OneOperator file;
    const int input = file.input({1, 5, 2});
    const int sizes = file.integers({1, -1, 1}), axis = file.integer(-2);
    file.output({1, 1, 2}).output({1, 3, 2}).output({1, 1, 2});
    EXPECT_EQ(file.run(x, BuiltinOperator::SPLIT_V, {input, sizes, axis},
                       file.builder().add_options(schema::CreateSplitVOptions, 3)),
              x);
  }
  {
    OneOperator file;
    const int input = file.input({1, 5, 2});
    file.output({1, 5}).output({1, 5});
    EXPECT_EQ(file.run(x, BuiltinOperator::UNPACK, {input},
                       file.builder().add_options(schema::CreateUnpackOptions, 2, 2)),
              (std::vector<float>{1, 3, 5, 7, 9, 2, 4, 6, 8, 10}));
  }
  {
    OneOperator file;
    const int input = file.input({1, 5, 2});
    file.output({1, 5, 2, 2});
    EXPECT_EQ(file.run(x, BuiltinOperator::PACK, {input, input},
                       file.builder().add_options(schema::CreatePackOptions, 2, -1)),
              (std::vector<float>{1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10}));
  }
  {
    // A mask stands for the beginning also where the dimension goes.
    OneOperator file;
    const int input = file.input({1, 5, 2});
    const int begin = file.integers({0, 3, 0}), end = file.integers({1, 4, 2}),
              step = file.integers({1, 1, 1});
    file.output({1, 2});
    EXPECT_EQ(file.run(x, BuiltinOperator::STRIDED_SLICE, {input, begin, end, step},
                       file.builder().add_options(schema::CreateStridedSliceOptions, 3, 1, 0, 0, 2,
                                                  false)),
              (std::vector<float>{1, 2}));
  }
  {
    OneOperator file;
    const int input = file.input({1, 1, 5, 2});
    const int size = file.integers({2, 3});
    file.output({1, 2, 3, 2});
    EXPECT_EQ(file.run(x, BuiltinOperator::RESIZE_NEAREST_NEIGHBOR, {input, size},
                       file.builder().add_options(schema::CreateResizeNearestNeighborOptions, true,
                                                  false)),
              (std::vector<float>{1, 2, 5, 6, 9, 10, 1, 2, 5, 6, 9, 10}));
  }
}

// An operand may lack the dimensions in front: its batch of one stays the batch.
TEST(TfliteOperators, OperandsOfFewerDimensionsKeepTheirBatch) {
  tflite::Builder file;
  const auto tensor = [&](const Shape& shape) {
    return file.add_tensor("t", TensorType::FLOAT32, shape, {});
  };
  const int images = tensor({1, 2, 2, 3}), means = tensor({1, 3}), result = tensor({1, 2, 2, 3});
  const int dims = file.add_constant("dims", from_values<int32_t>({1, 2}, {2}));
  file.add_operator(BuiltinOperator::MEAN, 1, {images, dims}, {means},
                    file.add_options(schema::CreateReducerOptions, false));
  file.add_operator(BuiltinOperator::SUB, 1, {means, images}, {result},
                    file.add_options(schema::CreateSubOptions, ActivationFunctionType::NONE, true));
  const Graph graph = import_tflite(File::memory(file.finish({images}, {result}), "file")).graph;
  const Tensor x = randn({5, 2, 2, 3});
  const auto got = run_graph(graph, {x})[0].to_vector<float>(),
             expected = (mean(x, {1, 2}, true) - x).to_vector<float>();
  expect_near(got, expected);
}

// A traced maximum pooling has its winners as a second result, one of a file has none.
TEST(TfliteOperators, MaximaOfFloatsRunInTheEngine) {
  OneOperator file;
  const int input = file.input({1, 4, 6, 3});
  file.output({1, 2, 3, 3});
  const Graph graph =
      file.import(BuiltinOperator::MAX_POOL_2D, {input},
                  file.builder().add_options(schema::CreatePool2DOptions, schema::Padding::VALID, 2,
                                             2, 2, 2, ActivationFunctionType::NONE))
          .graph;
  const Tensor x = randn({3, 4, 6, 3});
  EXPECT_EQ(Context(Plan::compile(graph, {.max_batch = 3}))(x).to_vector<float>(),
            max_pool2d(x, {.kernel = 2, .stride = 2}).to_vector<float>());
}

// Scales at which the factor's last bits decide: what TFLite Micro gives is one less, or more, than
// what factors in float32 would give.
TEST(TfliteOperators, FactorsHaveTheLastBitsOfTfliteMicro) {
  const auto q = [](double scale, int zero_point) {
    return Quantization{{static_cast<float>(scale)}, {zero_point}, -1};
  };
  using Options = std::function<tflite::OptionsOffset(tflite::Builder&)>;
  const auto result = [](BuiltinOperator code, const Quantization& from, const Quantization& to,
                         int x, const std::function<std::vector<int>(tflite::Builder&)>& constants,
                         const Options& options) {
    OneOperator file(true);
    std::vector<int> inputs = {file.input({1, 1}, from)};
    for (const int constant : constants(file.builder())) inputs.push_back(constant);
    file.output({1, 1}, to);
    const Graph graph = file.import(code, inputs, options(file.builder())).graph;
    const Tensor input = from_values<int8_t>({static_cast<int8_t>(x)}, {1, 1});
    return int{interpret({graph, Rounding::kDouble}, input).to_vector<int8_t>()[0]};
  };
  const auto no_constants = [](tflite::Builder&) { return std::vector<int>{}; };
  const auto no_options = [](tflite::Builder&) { return tflite::OptionsOffset{}; };
  EXPECT_EQ(result(BuiltinOperator::HARD_SWISH, q(0.02991686761379242, -30),
                   q(0.009732501581311226, 15), -15, no_constants, no_options),
            41);
  EXPECT_EQ(result(BuiltinOperator::RELU, q(6.7542924880981445, -123), q(18.371675491333008, -106),
                   -106, no_constants, no_options),
            -99);
  EXPECT_EQ(result(BuiltinOperator::LEAKY_RELU, q(1.3674027919769287, 127),
                   q(3.038682699203491, 88), -68, no_constants,
                   [](tflite::Builder& b) {
                     return b.add_options(schema::CreateLeakyReluOptions, 0.8689486980438232f);
                   }),
            11);
  EXPECT_EQ(
      result(
          BuiltinOperator::SUB, q(0.04211844131350517, 5), q(0.053225401788949966, -118), 33,
          [&](tflite::Builder& b) {
            return std::vector{
                b.add_constant("c", from_values<int8_t>({-46}, {1}), q(0.006721825804561377, 123))};
          },
          [](tflite::Builder& b) {
            return b.add_options(schema::CreateSubOptions, ActivationFunctionType::NONE, true);
          }),
      -75);
  EXPECT_EQ(
      result(
          BuiltinOperator::FULLY_CONNECTED, q(7.8942999839782715, 0), q(16.461671829223633, 0),
          -112,
          [&](tflite::Builder& b) {
            return std::vector{
                b.add_constant("w", from_values<int8_t>({65}, {1, 1}), q(0.019045814871788025, 0))};
          },
          [](tflite::Builder& b) {
            return b.add_options(schema::CreateFullyConnectedOptions, ActivationFunctionType::NONE,
                                 schema::FullyConnectedOptionsWeightsFormat::DEFAULT, false, false);
          }),
      -67);
}

// What TFLite Micro gives.
TEST(TfliteOperators, SlopesAndSumsOfInt8) {
  const auto run = [](const Graph& graph, const std::vector<int8_t>& x) {
    return interpret({graph, Rounding::kDouble}, from_values(x, {1, 2, 4})).to_vector<int8_t>();
  };
  const std::vector<int8_t> x = {-100, -100, -100, -100, 100, -4, -3, -128};
  const Quantization from{{0.1f}, {-3}, -1};
  OneOperator prelu(true);
  const int input = prelu.input({1, 2, 4}, from);
  const int slopes = prelu.builder().add_constant("s", from_values<int8_t>({-128, 127, 40, 5}, {4}),
                                                  Quantization{{0.02f}, {5}, -1});
  prelu.output({1, 2, 4}, {{0.07f}, {11}, -1});
  const Graph graph = prelu.import(BuiltinOperator::PRELU, {input, slopes}).graph;
  EXPECT_EQ(run(graph, x), (std::vector<int8_t>{127, -128, -86, 11, 127, 7, 11, 11}));

  OneOperator sum(true);
  const int rows = sum.input({1, 2, 4}, from), dims = sum.integers({1});
  sum.output({1, 4}, {{0.13f}, {11}, -1});
  const Graph added = sum.import(BuiltinOperator::SUM, {rows, dims},
                                 sum.builder().add_options(schema::CreateReducerOptions, false))
                          .graph;
  EXPECT_EQ(run(added, x), (std::vector<int8_t>{16, -64, -64, -128}));
}

// What LiteRT gives, which has them of int8; TFLite Micro has not.
TEST(TfliteOperators, ExponentialsAndLogarithmsOfInt8) {
  const auto run = [](BuiltinOperator code, int32_t zero_point, const std::vector<int8_t>& x) {
    OneOperator file(true);
    const Shape shape{1, static_cast<int64_t>(x.size())};
    const int input = file.input(shape, {{0.02f}, {zero_point}, -1});
    file.output(shape, {{0.05f}, {-7}, -1});
    const Graph graph = file.import(code, {input}).graph;
    return interpret({graph, Rounding::kDouble}, from_values(x, shape)).to_vector<int8_t>();
  };
  EXPECT_EQ(run(BuiltinOperator::EXP, 10, {-128, -77, -30, -10, -9, 0, 1, 17, 50, 99, 127}),
            (std::vector<int8_t>{-6, -3, 2, 6, 7, 9, 10, 16, 38, 112, 127}));
  EXPECT_EQ(run(BuiltinOperator::LOG, -10, {-128, -77, -10, -9, 0, 1, 17, 50, 99, 127}),
            (std::vector<int8_t>{-128, -128, -128, -85, -39, -37, -19, -3, 9, 13}));
}

TEST(TfliteOperators, AreRefusedByWhatIsWrong) {
  struct Case {
    const char* text;
    std::function<std::string(OneOperator&)> refusal;
  };
  const auto split_v = [](std::vector<int32_t> sizes, int32_t axis) {
    return [=](OneOperator& file) {
      const int input = file.input({1, 5, 2});
      const int by = file.integers(sizes), at = file.integer(axis);
      file.output({1, 2, 2}).output({1, 3, 2});
      return file.refusal(BuiltinOperator::SPLIT_V, {input, by, at},
                          file.builder().add_options(schema::CreateSplitVOptions, 2));
    };
  };
  const auto pack = [](int32_t count, int32_t axis) {
    return [=](OneOperator& file) {
      const int input = file.input({1, 5});
      file.output({1, 5, 2});
      return file.refusal(BuiltinOperator::PACK, {input, input},
                          file.builder().add_options(schema::CreatePackOptions, count, axis));
    };
  };
  const auto unpack = [](int32_t count, int32_t axis) {
    return [=](OneOperator& file) {
      const int input = file.input({1, 5, 2});
      file.output({1, 5}).output({1, 5});
      return file.refusal(BuiltinOperator::UNPACK, {input},
                          file.builder().add_options(schema::CreateUnpackOptions, count, axis));
    };
  };
  const auto one_to_one = [](BuiltinOperator code, Quantization from, Quantization to) {
    return [=](OneOperator& file) {
      const int input = file.input({1, 5}, from);
      file.output({1, 5}, to);
      return file.refusal(code, {input});
    };
  };
  const auto resize = [](int32_t h, int32_t w) {
    return [=](OneOperator& file) {
      const int input = file.input({1, 5, 5, 2});
      const int size = file.integers({h, w});
      file.output({1, 1, 1, 2});
      return file.refusal(
          BuiltinOperator::RESIZE_NEAREST_NEIGHBOR, {input, size},
          file.builder().add_options(schema::CreateResizeNearestNeighborOptions, false, false));
    };
  };
  const auto reduce = [](std::vector<int32_t> dims) {
    return [=](OneOperator& file) {
      const int input = file.input({1, 5, 5, 2});
      const int over = file.integers(dims);
      file.output({1, 5});
      return file.refusal(BuiltinOperator::REDUCE_MAX, {input, over},
                          file.builder().add_options(schema::CreateReducerOptions, false));
    };
  };
  const auto sum = [](BuiltinOperator code, float scale) {
    return [=](OneOperator& file) {
      const int input = file.input({1, 5});
      file.output({1, 5}, {{scale}, {0}, -1});
      return file.refusal(code, {input, input});
    };
  };
  const auto scale = [](float s) { return Quantization{{s}, {0}, -1}; };
  const Quantization sigmoid{{1.0f / 256}, {-128}, -1}, tanh{{1.0f / 128}, {0}, -1};
  const Case cases[] = {
      {"(1, 5, 2) along dimension 1 into parts of (2, 2)", split_v({2, 2}, 1)},
      {"(1, 5, 2) along dimension 1 into parts of (-1, -1)", split_v({-1, -1}, 1)},
      {"(1, 5, 2) along dimension 1 into parts of (5, -1)", split_v({5, -1}, 1)},
      {"a part of 6 along dimension 1", split_v({6, -1}, 1)},
      {"a part of -2 along dimension 1", split_v({-2, 5}, 1)},
      {"input 1 has 3 numbers, expected 2", split_v({1, 2, 2}, 1)},
      {"split", split_v({2, 3}, 7)},
      {"from 0 to 0 by 1 along dimension 1", split_v({0, 5}, 1)},
      {"of 3 values, with 2 inputs", pack(3, 2)},
      {"along dimension 0", pack(2, 0)},
      {"it gives (1, 2, 5), the file says (1, 5, 2)", pack(2, 1)},
      {"into 3 parts, with 2 outputs", unpack(3, 2)},
      {"(1, 5, 2) along dimension 1 into 2 parts", unpack(2, 1)},
      {"its result has another scale than its input",
       one_to_one(BuiltinOperator::RELU6, scale(0.5f), scale(0.25f))},
      {"the bound 6 at a scale of 1e-09, beyond 32 bits",
       one_to_one(BuiltinOperator::RELU6, scale(1e-9f), scale(1e-9f))},
      {"hard_swish: the output's scale 0.001 is below a 128th",
       one_to_one(BuiltinOperator::HARD_SWISH, scale(1), scale(0.001f))},
      {"hard_swish: the input's scale 30000000 is above 2^24",
       one_to_one(BuiltinOperator::HARD_SWISH, scale(3e7f), scale(3e7f))},
      {"at which numbers of 16 bits overflow",
       one_to_one(BuiltinOperator::HARD_SWISH, scale(1e-8f), scale(1e-8f))},
      {"at which numbers of 16 bits overflow",
       one_to_one(BuiltinOperator::HARD_SWISH, scale(0.1f), scale(1000))},
      {"an input scale of 1e-10, expected 2^-28 to 2^4",
       one_to_one(BuiltinOperator::LOGISTIC, scale(1e-10f), sigmoid)},
      {"an input scale of 16, expected 2^-28 to 2^4",
       one_to_one(BuiltinOperator::TANH, scale(16), tanh)},
      {"of int8, which TFLite Micro does not have",
       one_to_one(BuiltinOperator::NEG, scale(1), scale(1))},
      {"of int8, which TFLite Micro does not have",
       one_to_one(BuiltinOperator::SQRT, scale(1), scale(1))},
      {"at a scale of 1e-09, beyond 32 bits",
       one_to_one(BuiltinOperator::ELU, scale(0.1f), scale(1e-9f))},
      {"at a scale of 0.1, beyond 32 bits",
       one_to_one(BuiltinOperator::EXP, scale(0.5f), scale(0.1f))},
      {"its result's scale 1e-09 is too small for the input's 1: numbers overflow 32 bits",
       one_to_one(BuiltinOperator::ABS, scale(1), scale(1e-9f))},
      {"1 / sqrt of scale 1 to scale 4096, with a factor of",
       one_to_one(BuiltinOperator::RSQRT, scale(1), scale(4096))},
      {"resize", resize(0, 3)},
      {"resize", resize(-1, 3)},
      {"over the batch", reduce({0, 1})},
      {"its result's scale 1e-07 is too small", sum(BuiltinOperator::ADD, 1e-7f)},
      {"its result's scale 1e-07 is too small", sum(BuiltinOperator::SUB, 1e-7f)},
      {"maximum: input 0 has another scale than the output", sum(BuiltinOperator::MAXIMUM, 1)},
  };
  for (const Case& c : cases) {
    OneOperator file(true);
    const std::string message = c.refusal(file);
    EXPECT_NE(message.find(c.text), std::string::npos) << c.text << ": " << message;
  }
}

}  // namespace
}  // namespace tuco::deploy
