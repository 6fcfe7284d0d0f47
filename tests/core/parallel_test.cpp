#include "tuco/core/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

#include "tuco/core/error.h"

namespace tuco {
namespace {

TEST(ParallelFor, CoversTheRangeOnce) {
  for (const int64_t n : {0, 1, 7, 1000}) {
    std::vector<std::atomic<int>> seen(n);
    parallel_for(0, n, 3, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) ++seen[i];
    });
    for (auto& count : seen) EXPECT_EQ(count, 1);
  }
}

TEST(ParallelFor, RethrowsAndNests) {
  EXPECT_THROW(
      parallel_for(0, 100, 1, [](int64_t, int64_t) { fail<Error>("in a body"); }), Error);
  std::atomic<int> total = 0;
  parallel_for(0, 4, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      parallel_for(0, 10, 1, [&](int64_t b, int64_t e) { total += static_cast<int>(e - b); });
  });
  EXPECT_EQ(total, 40);
}

TEST(ParallelFor, SerialScopeUsesOneThread) {
  SerialScope serial;
  EXPECT_EQ(num_threads(), 1);
  EXPECT_THROW(set_num_threads(0), Error);
}

TEST(ParallelFor, ThreadLimitsNest) {
  const int before = num_threads();
  set_num_threads(5);
  {
    const ThreadLimit three(3);
    EXPECT_EQ(num_threads(), 3);
    {
      const SerialScope serial;
      const ThreadLimit wider(4);
      EXPECT_EQ(num_threads(), 1);
    }
    EXPECT_EQ(num_threads(), 3);
    std::atomic<int> parts = 0;
    parallel_for(0, 100, 1, [&](int64_t, int64_t) { ++parts; });
    EXPECT_EQ(parts, 3);
  }
  EXPECT_EQ(num_threads(), 5);
  set_num_threads(before);
}

}  // namespace
}  // namespace tuco
