#include "tuco/core/shape.h"

#include <gtest/gtest.h>

#include "tuco/core/error.h"

namespace tuco {
namespace {

TEST(Shape, PrintsAsInPython) {
  EXPECT_EQ(Shape({2, 3}).to_string(), "(2, 3)");
  EXPECT_EQ(Shape({4}).to_string(), "(4,)");
  EXPECT_EQ(Shape().to_string(), "()");
}

TEST(Shape, BroadcastFollowsNumpy) {
  EXPECT_EQ(broadcast("add", {4, 1, 3}, {5, 1}), Shape({4, 5, 3}));
  EXPECT_EQ(broadcast("add", {}, {2}), Shape({2}));
  EXPECT_EQ(broadcast("add", {0, 3}, {1, 3}), Shape({0, 3}));
  EXPECT_TRUE(broadcasts_to({3}, {2, 3}));
  EXPECT_FALSE(broadcasts_to({2, 3}, {3}));
}

TEST(Shape, ErrorsNameTheOpAndKeepTheShapes) {
  try {
    broadcast("add", {2, 3}, {4});
    FAIL();
  } catch (const ShapeError& error) {
    EXPECT_STREQ(error.what(), "add: shapes (2, 3) and (4,) do not broadcast");
    ASSERT_EQ(error.shapes.size(), 2u);
    EXPECT_EQ(error.shapes[1], Shape({4}));
  }
  EXPECT_THROW(normalize_dim("sum", 2, 2), ShapeError);
  EXPECT_THROW(Shape({1, 1, 1, 1, 1, 1, 1, 1, 1}), ShapeError);
}

TEST(Shape, DenseStrides) {
  EXPECT_EQ(dense_strides({2, 3, 4}), Strides({12, 4, 1}));
  EXPECT_EQ(normalize_dim("sum", -1, 3), 2);
}

}  // namespace
}  // namespace tuco
