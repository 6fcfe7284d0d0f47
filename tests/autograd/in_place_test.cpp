// Methods that change a tensor in place, where it shares bytes with others or with itself.
#include <gtest/gtest.h>

#include "tuco/autograd/functions.h"
#include "tuco/autograd/grad_mode.h"
#include "tuco/core/error.h"

namespace tuco {
namespace {

using Values = std::vector<float>;

TEST(InPlace, CopiesBetweenOverlappingViews) {
  Tensor x = arange(0, 6);
  slice(x, 0, 1, 6).copy_(slice(x, 0, 0, 5));
  EXPECT_EQ(x.to_vector<float>(), (Values{0, 0, 1, 2, 3, 4}));
  x = arange(0, 6);
  slice(x, 0, 0, 5).copy_(slice(x, 0, 1, 6));
  EXPECT_EQ(x.to_vector<float>(), (Values{1, 2, 3, 4, 5, 5}));
  Tensor square = reshape(arange(0, 4), {2, 2});
  square.copy_(transpose(square));
  EXPECT_EQ(square.to_vector<float>(), (Values{0, 2, 1, 3}));
  square.copy_(square);
  EXPECT_EQ(square.to_vector<float>(), (Values{0, 2, 1, 3}));
  square.copy_(slice(square, 0, 1, 2));  // a row of it, broadcast
  EXPECT_EQ(square.to_vector<float>(), (Values{1, 3, 1, 3}));
}

TEST(InPlace, AddsOverlappingViews) {
  Tensor x = arange(0, 6);
  slice(x, 0, 1, 6).add_(slice(x, 0, 0, 5));
  EXPECT_EQ(x.to_vector<float>(), (Values{0, 1, 3, 5, 7, 9}));
  x.add_(x, 2);
  EXPECT_EQ(x.to_vector<float>(), (Values{0, 3, 9, 15, 21, 27}));
  Tensor square = reshape(arange(0, 4), {2, 2});
  square.add_(transpose(square));
  EXPECT_EQ(square.to_vector<float>(), (Values{0, 3, 3, 6}));
}

TEST(InPlace, RefusesElementsThatShareAPlace) {
  Tensor row = arange(0, 3);
  Tensor rows = expand(row, {4, 3});
  EXPECT_THROW(rows.mul_(2), Error);
  EXPECT_THROW(rows.add_(ones({4, 3})), Error);
  EXPECT_THROW(rows.copy_(ones({4, 3})), Error);
  EXPECT_THROW(rows.fill_(1), Error);
  EXPECT_EQ(row.to_vector<float>(), (Values{0, 1, 2}));
  expand(row, {1, 3}).mul_(2);  // nothing is shared here
  EXPECT_EQ(row.to_vector<float>(), (Values{0, 2, 4}));
  Tensor none = expand(ones({1, 0}), {5, 0});
  none.mul_(2);
}

TEST(InPlace, ConvertsAndBroadcastsWhatItCopies) {
  Tensor x = zeros({2, 2}, {DType::int32});
  x.copy_(from_values<float>({1.7f, -2.7f}, {2}));
  EXPECT_EQ(x.to_vector<int32_t>(), (std::vector<int32_t>{1, -2, 1, -2}));
  EXPECT_THROW(x.copy_(zeros({3})), ShapeError);
  EXPECT_THROW(x.add_(zeros({2, 2})), DTypeError);
  EXPECT_THROW(x.add_(zeros({2}, {DType::int32})), ShapeError);
}

TEST(InPlace, ResultsOfOpsThatNeedNoValuesMayChange) {
  const Tensor x = from_values<float>({1, 2}, {2}).requires_grad_();
  Tensor y = x * 3 + 1;
  {
    NoGrad quiet;
    y.fill_(0);
  }
  sum(y).backward();
  EXPECT_EQ(x.grad().to_vector<float>(), (Values{3, 3}));
}

}  // namespace
}  // namespace tuco
