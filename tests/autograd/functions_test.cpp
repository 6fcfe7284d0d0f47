#include "tuco/autograd/functions.h"

#include <gtest/gtest.h>

#include "tuco/core/error.h"
#include "tuco/core/rng.h"

namespace tuco {
namespace {

Tensor iota(const Shape& shape) {
  return reshape(arange(0, static_cast<double>(shape.numel())), shape);
}

TEST(Arithmetic, BroadcastsAsNumpyDoes) {
  const Tensor x = iota({2, 3});
  EXPECT_EQ((x + from_values<float>({10, 20, 30}, {3})).to_vector<float>(),
            (std::vector<float>{10, 21, 32, 13, 24, 35}));
  EXPECT_EQ((x * from_values<float>({1, 2}, {2, 1})).to_vector<float>(),
            (std::vector<float>{0, 1, 2, 6, 8, 10}));
  EXPECT_EQ((1 - x / 2).to_vector<float>(), (std::vector<float>{1, 0.5, 0, -0.5, -1, -1.5}));
  EXPECT_EQ((transpose(x) + transpose(x)).to_vector<float>(),
            (std::vector<float>{0, 6, 2, 8, 4, 10}));
}

TEST(Arithmetic, TypesAreNotMixed) {
  EXPECT_THROW(ones({2}) + ones({2}, {DType::float64}), DTypeError);
  EXPECT_THROW(exp(ones({2}, {DType::int32})), DTypeError);
  EXPECT_THROW(ones({2}, {DType::int32}) * 0.5, DTypeError);
  EXPECT_THROW(ones({2}, {DType::int32}) / ones({2}, {DType::int32}), DTypeError);
  EXPECT_EQ((ones({2}, {DType::int64}) * 3 - 1).to_vector<int64_t>(),
            (std::vector<int64_t>{2, 2}));
  EXPECT_THROW(empty({2}, {DType::float16}), DTypeError);
}

TEST(Arithmetic, VectorPathAgreesWithScalarPathAtEveryLength) {
  for (int64_t n = 0; n < 70; ++n) {
    const Tensor x = rand({n}) * 8 - 4;
    const Tensor wide = x.to(DType::float64);
    for (const auto& f : {exp, tanh, sigmoid, relu, abs, relu6}) {
      const auto a = f(x).to_vector<float>();
      const auto b = f(wide).to_vector<double>();
      for (int64_t i = 0; i < n; ++i) EXPECT_NEAR(a[i], b[i], 1e-6 * (1 + std::abs(b[i])));
    }
  }
}

TEST(Exp, KeepsInfinitiesAndNan) {
  const float inf = std::numeric_limits<float>::infinity();
  const auto y = exp(from_values<float>({inf, -inf, NAN, 0, 100, -200}, {6})).to_vector<float>();
  EXPECT_EQ(y[0], inf);
  EXPECT_EQ(y[1], 0);
  EXPECT_TRUE(std::isnan(y[2]));
  EXPECT_EQ(y[3], 1);
  EXPECT_EQ(y[4], inf);
  EXPECT_EQ(y[5], 0);
}

TEST(Maximum, IsNanIfEitherIs) {
  const Tensor a = from_values<float>({NAN, 1, NAN, 1}, {4});
  const Tensor b = from_values<float>({1, NAN, NAN, 2}, {4});
  for (const DType dtype : {DType::float32, DType::float64})
    for (const bool strided : {false, true}) {
      const auto form = [&](const Tensor& x) {
        const Tensor typed = x.to(dtype);
        return strided ? slice(stack({typed, typed}, 1), 1, 0, 1) : typed;
      };
      for (const auto& f : {maximum, minimum}) {
        const auto y = f(form(a), form(b)).to(DType::float64).to_vector<double>();
        for (int i = 0; i < 3; ++i) EXPECT_TRUE(std::isnan(y[i])) << i;
        EXPECT_FALSE(std::isnan(y[3]));
      }
      EXPECT_TRUE(std::isnan(relu(form(a)).to(DType::float64).to_vector<double>()[0]));
      EXPECT_TRUE(std::isnan(relu6(form(a)).to(DType::float64).to_vector<double>()[2]));
    }
}

TEST(Compare, GivesBool) {
  const Tensor x = iota({4});
  EXPECT_EQ(less(x, full({}, 2)).to_vector<bool>(), (std::vector<bool>{true, true, false, false}));
  EXPECT_EQ(where(greater_equal(x, full({}, 2)), x, -x).to_vector<float>(),
            (std::vector<float>{0, -1, 2, 3}));
}

TEST(Reduce, OverAnyDimensions) {
  const Tensor x = iota({2, 3, 4});
  EXPECT_EQ(sum(x).item(), 276);
  EXPECT_EQ(sum(x, {1}).to_vector<float>(),
            (std::vector<float>{12, 15, 18, 21, 48, 51, 54, 57}));
  EXPECT_EQ(sum(x, {0, 2}, true).shape(), Shape({1, 3, 1}));
  EXPECT_EQ(sum(x, {0, 2}).to_vector<float>(), (std::vector<float>{60, 92, 124}));
  EXPECT_EQ(mean(x, {-1}).to_vector<float>(),
            (std::vector<float>{1.5, 5.5, 9.5, 13.5, 17.5, 21.5}));
  EXPECT_EQ(max(permute(x, {2, 0, 1}), {0, 2}).to_vector<float>(), (std::vector<float>{11, 23}));
  EXPECT_EQ(argmax(from_values<float>({1, 3, 3, 0, -1, -2}, {2, 3}), 1).to_vector<int64_t>(),
            (std::vector<int64_t>{1, 0}));
  EXPECT_EQ(sum(ones({0, 3}), {0}).to_vector<float>(), (std::vector<float>{0, 0, 0}));
  EXPECT_THROW(max(ones({0, 3}), {0}), ShapeError);
  EXPECT_THROW(sum(x, {3}), ShapeError);
  EXPECT_THROW(sum(x, {0, 0}), ShapeError);
}

TEST(Views, ShareBytes) {
  Tensor x = iota({3, 4});
  slice(x, 1, 1, 4, 2).fill_(0);
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{0, 0, 2, 0, 4, 0, 6, 0, 8, 0, 10, 0}));
  EXPECT_EQ(transpose(x).storage(), x.storage());
  EXPECT_EQ(reshape(slice(x, 0, 1, 3), {8}).storage(), x.storage());
  EXPECT_NE(reshape(transpose(x), {12}).storage(), x.storage());
  EXPECT_EQ(select(x, 0, -1).to_vector<float>(), (std::vector<float>{8, 0, 10, 0}));
  EXPECT_EQ(reshape(x, {2, -1}).shape(), Shape({2, 6}));
  EXPECT_THROW(reshape(x, {5, -1}), ShapeError);
  EXPECT_THROW(reshape(x, {-1, -1}), ShapeError);
  EXPECT_THROW(permute(x, {0, 0}), ShapeError);
  EXPECT_EQ(slice(x, 0, -2, 100).shape(), Shape({2, 4}));
  EXPECT_EQ(slice(x, 0, 2, 1).shape(), Shape({0, 4}));
}

TEST(Moves, ConcatPadGatherStack) {
  const Tensor x = iota({2, 2});
  EXPECT_EQ(concat({x, x + 10}, 1).to_vector<float>(),
            (std::vector<float>{0, 1, 10, 11, 2, 3, 12, 13}));
  EXPECT_EQ(stack({x, x}, 0).shape(), Shape({2, 2, 2}));
  EXPECT_EQ(pad(x, {0, 1}, {1, 0}, 9).to_vector<float>(),
            (std::vector<float>{9, 0, 1, 9, 2, 3, 9, 9, 9}));
  EXPECT_EQ(gather(x, 1, from_values<int64_t>({1, 0}, {2, 1})).to_vector<float>(),
            (std::vector<float>{1, 2}));
  EXPECT_EQ(index_select(x, 0, from_values<int64_t>({1, 1, 0}, {3})).to_vector<float>(),
            (std::vector<float>{2, 3, 2, 3, 0, 1}));
  EXPECT_THROW(index_select(x, 0, from_values<int64_t>({2}, {1})), ShapeError);
  EXPECT_THROW(concat({x, ones({2, 3})}, 0), ShapeError);
  EXPECT_EQ(one_hot(from_values<int64_t>({2, 0}, {2}), 3).to_vector<float>(),
            (std::vector<float>{0, 0, 1, 1, 0, 0}));
  EXPECT_THROW(one_hot(from_values<int64_t>({3}, {1}), 3), ShapeError);
}

TEST(Cast, SaturatesWhatDoesNotFit) {
  const Tensor x = from_values<float>({-1.7f, 300, NAN, 1e20f}, {4});
  EXPECT_EQ(x.to(DType::int8).to_vector<int8_t>(), (std::vector<int8_t>{-1, 127, 0, 127}));
  EXPECT_EQ(x.to(DType::bool_).to_vector<bool>(), (std::vector<bool>{true, true, true, true}));
}

TEST(MatMul, BroadcastsBatchesAndNamesWhatDoesNotFit) {
  const Tensor a = iota({2, 1, 2, 3}), b = iota({4, 3, 2});
  const Tensor y = matmul(a, b);
  EXPECT_EQ(y.shape(), Shape({2, 4, 2, 2}));
  const auto values = y.to_vector<float>();
  const auto x = a.to_vector<float>(), w = b.to_vector<float>();
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 4; ++j)
      for (int r = 0; r < 2; ++r)
        for (int c = 0; c < 2; ++c) {
          float expected = 0;
          for (int k = 0; k < 3; ++k) expected += x[i * 6 + r * 3 + k] * w[j * 6 + k * 2 + c];
          EXPECT_EQ(values[((i * 4 + j) * 2 + r) * 2 + c], expected);
        }
  try {
    matmul(iota({2, 3}), iota({2, 3}));
    FAIL();
  } catch (const ShapeError& error) {
    EXPECT_STREQ(error.what(), "matmul: inner sizes 3 and 2 of (2, 3) and (2, 3) differ");
  }
}

TEST(Dropout, KeepsTheMeanAndRepeatsForASeed) {
  manual_seed(5);
  const Tensor x = ones({10000});
  const Tensor y = dropout(x, 0.25);
  EXPECT_NEAR(mean(y).item(), 1, 0.03);
  manual_seed(5);
  EXPECT_EQ(dropout(x, 0.25).to_vector<float>(), y.to_vector<float>());
  EXPECT_THROW(dropout(x, 1), Error);
}

TEST(Print, AsInNumpy) {
  EXPECT_EQ(iota({2, 2}).to_string(), "[[0, 1],\n [2, 3]]\nfloat32 (2, 2) on cpu");
  EXPECT_EQ(full({}, 2.5).to_string(), "2.5\nfloat32 () on cpu");
  EXPECT_NE(iota({2000}).to_string().find("..."), std::string::npos);
}

}  // namespace
}  // namespace tuco
