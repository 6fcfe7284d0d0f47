#include "tuco/core/layout.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace tuco {
namespace {

std::vector<int64_t> offsets(const Layout& layout) {
  std::vector<int64_t> list;
  for_each_run<1>({layout}, 0, count_runs(layout.shape), [&](const auto& at, int64_t length) {
    const int64_t stride = layout.shape.rank() ? layout.strides.back() : 0;
    for (int64_t i = 0; i < length; ++i) list.push_back(at[0] + i * stride);
  });
  return list;
}

TEST(Layout, VisitsRowMajorWhateverTheStrides) {
  const Layout dense{Shape{2, 3}};
  EXPECT_EQ(offsets(dense), (std::vector<int64_t>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(offsets(dense.permute(std::array{1, 0})), (std::vector<int64_t>{0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(offsets(dense.slice(1, 1, 3, 1).expand({2, 2, 2})),
            (std::vector<int64_t>{1, 2, 4, 5, 1, 2, 4, 5}));
  EXPECT_EQ(offsets(Layout{Shape{}}), std::vector<int64_t>{0});
  EXPECT_EQ(offsets(Layout{Shape{3, 0}}), std::vector<int64_t>{});
}

TEST(Layout, ContiguousIsAboutElementsNotDimensions) {
  const Layout dense{Shape{2, 3}};
  EXPECT_TRUE(dense.is_contiguous());
  EXPECT_FALSE(dense.permute(std::array{1, 0}).is_contiguous());
  EXPECT_TRUE(Layout(Shape{1, 3}, Strides{77, 1}, 0).is_contiguous());
  EXPECT_TRUE(Layout(Shape{2, 0, 3}, Strides{5, 1, 2}, 0).is_contiguous());
  EXPECT_TRUE(Layout{Shape{}}.is_contiguous());
  EXPECT_TRUE(dense.slice(0, 1, 2, 1).is_contiguous());
}

TEST(Layout, ReshapesAreViewsWhereTheyCanBe) {
  const Layout turned = Layout(Shape{4, 6}).permute(std::array{1, 0});  // (6, 4), strides (1, 6)
  const auto split = turned.reshape({2, 3, 2, 2});
  ASSERT_TRUE(split);
  EXPECT_EQ(offsets(*split), offsets(turned));
  EXPECT_FALSE(turned.reshape({24}));
  // A dimension of size 1 may lie anywhere.
  for (const Layout& row : {turned.slice(0, 2, 3, 1), turned.slice(1, 3, 4, 1)}) {
    for (const Shape& shape : {Shape{row.shape.numel()}, Shape{1, 1, row.shape.numel(), 1}}) {
      const auto flat = row.reshape(shape);
      ASSERT_TRUE(flat) << shape.to_string();
      EXPECT_EQ(offsets(*flat), offsets(row));
    }
  }
  const auto unsqueezed = turned.reshape({6, 1, 4, 1});
  ASSERT_TRUE(unsqueezed);
  EXPECT_EQ(offsets(*unsqueezed), offsets(turned));
  const auto broadcast = Layout(Shape{3, 1}).expand({3, 4}).reshape({3, 2, 2});
  ASSERT_TRUE(broadcast);
  EXPECT_EQ(offsets(*broadcast), (std::vector<int64_t>{0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2}));
}

TEST(Layout, EmptyOnesReshapeToAnyEmptyShape) {
  const Layout gaps = Layout(Shape{2, 0, 6}).slice(2, 0, 6, 2);  // (2, 0, 3)
  for (const Shape& shape : {Shape{0}, Shape{0, 9}, Shape{5, 1, 0}}) {
    const auto view = gaps.reshape(shape);
    ASSERT_TRUE(view) << shape.to_string();
    EXPECT_EQ(view->shape, shape);
  }
}

TEST(Layout, ALongStepTakesTheFirst) {
  const Layout sliced =
      Layout(Shape{5, 2}).slice(0, 1, 5, std::numeric_limits<int64_t>::max());
  EXPECT_EQ(offsets(sliced), (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(Layout(Shape{5}).slice(0, 3, 3, 1).shape, Shape({0}));
  EXPECT_EQ(Layout(Shape{0}).slice(0, 0, 0, 7).shape, Shape({0}));
}

}  // namespace
}  // namespace tuco
