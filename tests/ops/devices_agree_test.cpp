// What other devices compute is what the CPU does: in float64, and every byte of the int8 ops, on
// sizes that take each of a device's ways through an op.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/ops/op_checks.h"
#include "tuco/autograd/functions.h"
#include "tuco/core/rng.h"

namespace tuco::test {
namespace {

/// Skipped where there is no other device.
class DevicesAgree : public testing::Test {
 protected:
  void SetUp() override {
    if (test_devices() == std::vector{Device::cpu()}) GTEST_SKIP() << "no device but the CPU";
  }
};

using Tensors = std::vector<Tensor>;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// The same numbers, dense, but at an address that is good for single numbers alone.
Tensor off_alignment(const Tensor& tensor) {
  const Tensor longer = zeros({tensor.numel() + 1}, {tensor.dtype(), tensor.device()});
  Tensor view = reshape(slice(longer, 0, 1, tensor.numel() + 1), tensor.shape());
  view.copy_(tensor);
  return view;
}

Tensors converted(const Tensors& tensors, DType floating, Device device, bool aligned = true) {
  Tensors result;
  for (const Tensor& t : tensors) {
    result.push_back((is_floating(t.dtype()) ? t.to(floating) : t).to(device));
    if (!aligned) result.back() = off_alignment(result.back());
  }
  return result;
}

/// The op's outputs on each other device, floating ones in both types, are the CPU's in float64.
void expect_agreement(const op::Any& op, const Tensors& inputs, double float32_tolerance = 2e-6) {
  // The numbers that float32 has.
  const Tensors wide =
      converted(converted(inputs, DType::float32, Device::cpu()), DType::float64, Device::cpu());
  const Outputs expected = results(op, wide);
  std::string shapes;
  for (const Tensor& input : inputs) shapes += " " + input.shape().to_string();
  for (const Device device : test_devices()) {
    if (device == Device::cpu()) continue;
    for (const DType floating : {DType::float32, DType::float64})
      for (const bool aligned : {true, false}) {
        SCOPED_TRACE(fmt::format("{} of{} in {} on {}, {}", to_string(op), shapes, floating, device,
                                 aligned ? "aligned" : "not aligned"));
        const Outputs got = results(op, converted(wide, floating, device, aligned));
        ASSERT_EQ(got.size(), expected.size());
        for (size_t i = 0; i < got.size(); ++i) {
          const bool exact = !is_floating(expected[i].dtype());
          expect_close(got[i], expected[i],
                       exact                        ? 0
                       : floating == DType::float32 ? float32_tolerance
                                                    : 1e-12,
                       fmt::format("output {}", i));
        }
      }
  }
}

/// Ops on int8 take float32, or nothing of the kind.
void expect_same_bytes(const op::Any& op, const Tensors& inputs) {
  const Outputs expected = results(op, inputs);
  for (const Device device : test_devices())
    if (device != Device::cpu())
      for (const bool aligned : {true, false}) {
        SCOPED_TRACE(fmt::format("{} of {} on {}", to_string(op), inputs[0].shape(), device));
        const Outputs got = results(op, converted(inputs, DType::float32, device, aligned));
        for (size_t i = 0; i < got.size(); ++i)
          expect_close(got[i], expected[i], 0, fmt::format("output {}", i));
      }
}

template <class T>
Tensor integers(const Shape& shape, uint64_t seed, int64_t low = -128, int64_t high = 127) {
  Rng rng(seed);
  std::vector<T> values(static_cast<size_t>(shape.numel()));
  for (T& v : values)
    v = static_cast<T>(low +
                       static_cast<int64_t>(rng.below(static_cast<uint32_t>(high - low + 1))));
  return from_values(values, shape);
}

template <class... Op>
void expect_same_samples(op::TypeList<Op...>) {
  const auto check = [](const auto& list) {
    for (const Sample& sample : list) expect_same_bytes(sample.op, sample.inputs);
  };
  const auto of = [&]<class One>(Tag<One> tag) {
    if constexpr (HasSamples<One>) check(samples(tag));
  };
  (of(Tag<Op>{}), ...);
}

TEST_F(DevicesAgree, OnTheSamplesOfInt8) { expect_same_samples(op::QuantizedList{}); }

/// x, weight, bias and multipliers of a product.
Tensors product(const Shape& x, const Shape& weight) {
  std::vector<int32_t> multipliers;
  for (int64_t o = 0; o < weight[0]; ++o) {
    multipliers.push_back(static_cast<int32_t>((1 << 30) + o * 12345678));
    multipliers.push_back(static_cast<int32_t>(o % 5 == 4 ? 1 : -8 - o % 3));
  }
  return {integers<int8_t>(x, 1), integers<int8_t>(weight, 2, -127, 127),
          integers<int32_t>({weight[0]}, 3, -999, 999), from_values(multipliers, {weight[0], 2})};
}

TEST_F(DevicesAgree, OnInt8Products) {
  for (const Rounding rounding : {Rounding::kDouble, Rounding::kSingle}) {
    const op::Requantize out{5, -100, 120, rounding};
    for (const int64_t depth : {1, 3, 4, 12}) {  // whole words, and not
      for (const int64_t groups : {1, 2}) {
        const op::QConv2d conv{
            {.stride = {1, 2}, .dilation = {2, 1}, .padding = {2, 0, 1, 1}, .groups = groups},
            -3,
            out};
        Tensors inputs = product({2, 7, 6, groups * depth}, {6, 3, 2, depth});
        expect_same_bytes(conv, inputs);
        inputs.push_back(integers<int8_t>(results(conv, inputs)[0].shape(), 4));
        expect_same_bytes(
            op::QConv2dAdd{conv,
                           {5, -4, {1 << 30, 0}, {1500000000, -2}, {1100000000, -18}, {6, -110}}},
            inputs);
      }
      expect_same_bytes(op::QLinear{7, out}, product({70, 11 * depth}, {9, 11 * depth}));
    }
  }
}

TEST_F(DevicesAgree, OnInt8PoolsMeansAndSoftmax) {
  const op::PoolWindow window{
      .kernel = {3, 2}, .stride = 2, .padding = {1, 0, 1, 1}, .ceil_mode = true};
  op::PoolWindow counting = window;
  counting.count_include_pad = true;
  const Tensor images = integers<int8_t>({3, 12, 9, 37}, 1);
  expect_same_bytes(op::QMaxPool2d{window, -70, 100}, {images});
  expect_same_bytes(op::QAvgPool2d{window, 5, -9, 30}, {images});
  expect_same_bytes(op::QAvgPool2d{counting, 5}, {images});
  expect_same_bytes(op::QMean{{{1, 2}, false}, 3, {1200000000, -5}, {-7}}, {images});
  std::vector<int32_t> table;
  for (int d = 0; d < 256; ++d)
    table.push_back(static_cast<int32_t>(INT32_MAX * std::exp(-d / 19.0)));
  for (const int64_t depth : {1, 2, 31, 33, 1001})
    expect_same_bytes(op::QSoftmax{}, {integers<int8_t>({5, depth}, 3), from_values(table, {256})});
}

TEST_F(DevicesAgree, OnTheWayToInt8) {
  // Ties, ends, and what is no number.
  std::vector<float> values = {NAN,   kInfinity, -kInfinity, 0.25f,     -0.25f,
                               0.75f, 1e30f,     -1e30f,     0.2499999f};
  for (int i = -300; i < 300; ++i) values.push_back(static_cast<float>(i) * 0.25f);
  for (const float scale : {0.5f, 0.1f, 3.0f})
    expect_same_bytes(op::QuantizeLinear{scale, -7},
                      {from_values(values, {static_cast<int64_t>(values.size())})});
}

TEST_F(DevicesAgree, OnPools) {
  for (const int64_t channels : {1, 3, 8})
    for (const bool ceil_mode : {false, true}) {
      const op::PoolWindow window{
          .kernel = {3, 2}, .stride = 2, .padding = {1, 0, 1, 1}, .ceil_mode = ceil_mode};
      op::PoolWindow counting = window;
      counting.count_include_pad = true;
      const Tensor images = spread({2, 12, 9, channels}, 1);
      const Outputs pooled = results(op::MaxPool2d{window}, {images});
      const Tensor gradient = spread(pooled[0].shape(), 2);
      expect_agreement(op::MaxPool2d{window}, {images});
      expect_agreement(op::MaxPool2dGrad{window, images.shape()}, {gradient, pooled[1]});
      for (const op::PoolWindow& w : {window, counting}) {
        expect_agreement(op::AvgPool2d{w}, {images});
        expect_agreement(op::AvgPool2dGrad{w, images.shape()}, {gradient});
      }
    }
}

TEST_F(DevicesAgree, OnResizing) {
  for (const Hw size : {Hw(17, 5), Hw(3, 20), Hw(1, 1)})
    for (const bool corners : {false, true})
      for (const bool centers : {false, true}) {
        const op::ResizeNearest resize{size, corners, centers};
        expect_agreement(resize, {spread({2, 7, 9, 3}, 1)});
        expect_agreement(op::ResizeNearestGrad{resize, {7, 9}},
                         {spread({2, size.h, size.w, 3}, 2)});
      }
}

/// Rows and channels: some of all, few rows, more rows than a reduction has threads at once.
const Shape kRows[] = {{1, 1}, {5, 4}, {3001, 3}, {30000, 1}, {2500, 8}, {67, 260}, {3, 7, 6, 33}};

TEST_F(DevicesAgree, OnBatchNormalisation) {
  for (const Shape& shape : kRows) {
    const Shape channels = {shape.back()};
    const Tensor x = spread(shape, 1), gamma = spread(channels, 2), beta = spread(channels, 3),
                 skip = spread(shape, 4),
                 gradient = x + spread(shape, 5, 0, 1);  // sums that do not cancel by chance
    if (shape.numel() > shape.back()) {                  // one row has no variance to speak of
      expect_agreement(op::BatchNormTrain{1e-3}, {x, gamma, beta}, 1e-5);
      expect_agreement(op::BatchNormRelu{1e-3}, {x, gamma, beta}, 1e-5);
      expect_agreement(op::BatchNormRelu{1e-3}, {x, gamma, beta, skip}, 1e-5);
    }
    const Tensor mean = spread(channels, 6, -0.5, 0.5), variance = spread(channels, 7, 0.5, 2);
    expect_agreement(op::BatchNorm{1e-3}, {x, gamma, beta, mean, variance});
    for (const bool relu : {false, true})
      expect_agreement(op::BatchNormTrainGrad{1e-3, relu},
                       {gradient, x, gamma, beta, mean, variance}, 1e-5);
    const Tensor y = results(op::BatchNormRelu{1e-3}, {x, gamma, beta, skip})[0];
    expect_agreement(op::BatchNormTrainGrad{1e-3, true},
                     {gradient, x, gamma, beta, mean, variance, y}, 1e-5);
  }
}

TEST_F(DevicesAgree, OnTheVarianceOfDataFarFromZero) {
  for (const int64_t channels : {3, 4}) {
    const Tensor x = spread({4000, channels}, 1) + 10000.0,
                 one = ones({channels}, {DType::float64});
    const Tensor variance =
        results(op::BatchNormTrain{}, {x.to(DType::float32).to(DType::float64), one, one})[2];
    for (const Device device : test_devices()) {
      const auto in = converted({x, one, one}, DType::float32, device);
      expect_close(results(op::BatchNormTrain{}, in)[2], variance, 1e-5, "variance");
    }
  }
}

TEST_F(DevicesAgree, OnBatchNormalisationWithPooling) {
  for (const int64_t channels : {1, 6, 8})
    for (const int64_t pool : {2, 3}) {
      const Tensor images = spread({3, 11, 10, channels}, 1), gamma = spread({channels}, 2),
                   beta = spread({channels}, 3);
      const op::BatchNormReluPool op{1e-3, pool};
      expect_agreement(op, {images, gamma, beta}, 1e-5);
      const Outputs out = results(op, {images, gamma, beta});
      expect_agreement(
          op::BatchNormReluPoolGrad{1e-3, pool},
          {spread(out[0].shape(), 4), images, gamma, beta, out[1], out[2], out[0], out[3]}, 1e-5);
    }
}

TEST_F(DevicesAgree, OnReductions) {
  // One thread for a column, one block, blocks for chunks of the rows, and columns that fill none.
  for (const Shape& shape : {Shape{3, 30, 5}, Shape{2, 40, 1}, Shape{3, 256, 33}, Shape{2, 5000, 3},
                             Shape{1, 40001, 1}, Shape{2, 700, 128}}) {
    const Tensor x = spread(shape, 1);
    const op::ReduceDims middle{{1}, false};
    expect_agreement(op::Sum{middle}, {x}, 1e-5);
    expect_agreement(op::Mean{middle}, {x}, 1e-5);
    expect_agreement(op::Max{middle}, {x});
    expect_agreement(op::ArgMax{middle}, {x});
  }
}

TEST_F(DevicesAgree, OnPointwise) {
  for (const int64_t n : {1, 4, 7, 1027}) {
    const Tensor x = spread({n}, 1), y = spread({n}, 2);
    expect_agreement(op::Relu{}, {x});
    expect_agreement(op::Exp{}, {x}, 1e-5);
    expect_agreement(op::Mul{}, {x, y});
    expect_agreement(op::UnaryGrad<op::Relu>{}, {y, x});
  }
}

TEST_F(DevicesAgree, OnConvolutions) {
  for (const int64_t groups : {1, 2}) {
    const op::Conv2d conv{
        .stride = {1, 2}, .dilation = {2, 1}, .padding = {1, 0, 1, 2}, .groups = groups};
    const Tensor x = spread({2, 6, 7, 4}, 1), w = spread({6 * groups, 3, 2, 4 / groups}, 2),
                 dy = spread(results(conv, {x, w})[0].shape(), 3);
    expect_agreement(conv, {x, w}, 1e-5);
    expect_agreement(op::FusedConv2d{conv, true, true}, {x, w, spread({6 * groups}, 4), dy}, 1e-5);
    expect_agreement(op::FusedConv2d{conv}, {x, w}, 1e-5);
    expect_agreement(op::Conv2dGradInput{conv, x.shape()}, {dy, w}, 1e-5);
    expect_agreement(op::Conv2dGradWeight{conv, w.shape()}, {x, dy}, 1e-5);
  }
}

TEST_F(DevicesAgree, OnMoreElementsThanAGridHasThreads) {
  for (const Device device : test_devices()) {
    if (device == Device::cpu()) continue;
    const Tensor x = full({(int64_t{1} << 22) + 9}, 2, {DType::int32, device});
    const Tensor y = -slice(x, 0, 1, x.numel());  // an address that no packs fit
    const auto values = y.to_vector<int32_t>();
    EXPECT_EQ(std::count(values.begin(), values.end(), -2), y.numel());
  }
}

TEST_F(DevicesAgree, OnSoftmax) {
  for (const int64_t n : {1, 2, 31, 33, 1000, 1024, 5000}) {
    const Tensor x = spread({5, n}, 1, -20, 20), gradient = spread({5, n}, 2);
    const Tensor y = results(op::Softmax{}, {x})[0], log_y = results(op::LogSoftmax{}, {x})[0];
    expect_agreement(op::Softmax{}, {x}, 1e-5);
    expect_agreement(op::LogSoftmax{}, {x}, 1e-5);
    expect_agreement(op::SoftmaxGrad{}, {gradient, y}, 1e-5);
    expect_agreement(op::LogSoftmaxGrad{}, {gradient, log_y}, 1e-5);
  }
}

TEST_F(DevicesAgree, OnSoftmaxOfWhatIsNoNumber) {
  for (const Device device : test_devices())
    for (const int64_t n : {40, 3000}) {
      std::vector<float> values(static_cast<size_t>(4 * n), 1.0f);
      values[7] = NAN;
      values[static_cast<size_t>(n) + 9] = kInfinity;
      std::fill_n(values.begin() + 2 * n, n, -kInfinity);
      values[static_cast<size_t>(3 * n) + 5] = -kInfinity;
      const Tensor x = from_values(values, {4, n}).to(device);
      for (const op::Any& op : {op::Any(op::Softmax{}), op::Any(op::LogSoftmax{})}) {
        const auto y = results(op, {x})[0].to_vector<float>();
        const auto nans = [&](int64_t row) {
          return std::count_if(y.begin() + row * n, y.begin() + (row + 1) * n,
                               [](float v) { return std::isnan(v); });
        };
        SCOPED_TRACE(fmt::format("{} of {} on {}", to_string(op), n, device));
        for (const int64_t row : {0, 1, 2}) EXPECT_EQ(nans(row), n) << "row " << row;
        EXPECT_EQ(nans(3), 0);
      }
    }
}

TEST_F(DevicesAgree, OnLstm) {
  for (const double clip : {0.0, 0.4})
    for (const int64_t states : {1, 3}) {
      const Tensors in = {spread({3, 4, 5}, 1), spread({28, 5}, 2),     spread({28, 7}, 3),
                          spread({28}, 4),      spread({states, 7}, 5), spread({states, 7}, 6)};
      expect_agreement(op::Lstm{clip}, in, 1e-5);
      expect_agreement(op::LstmTrain{clip}, in, 1e-5);
      const Outputs out = results(op::LstmTrain{clip}, in);
      expect_agreement(op::LstmGrad{clip},
                       {spread({3, 4, 7}, 7), spread({3, 7}, 8), spread({3, 7}, 9), in[2], in[5],
                        out[3], out[4]},
                       1e-5);
    }
}

}  // namespace
}  // namespace tuco::test
