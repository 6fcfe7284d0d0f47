#include "tuco/core/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#ifdef __unix__
#include <sys/wait.h>
#include <unistd.h>
#endif

#include "tuco/core/error.h"

namespace tuco {
namespace {

/// Sets a number of threads for a test.
class Threads {
 public:
  explicit Threads(int count) : before_(num_threads()) { set_num_threads(count); }
  ~Threads() { set_num_threads(before_); }

 private:
  int before_;
};

using Ranges = std::set<std::pair<int64_t, int64_t>>;

Ranges ranges_of(int64_t begin, int64_t end, int64_t grain) {
  Ranges ranges;
  std::mutex mutex;
  parallel_for(begin, end, grain, [&](int64_t b, int64_t e) {
    const std::lock_guard lock(mutex);
    EXPECT_TRUE(ranges.insert({b, e}).second);
  });
  return ranges;
}

TEST(ParallelFor, CoversTheRangeOnce) {
  for (const int threads : {1, 2, 3, 8})
    for (const int64_t n : {0, 1, 7, 1000}) {
      const Threads scope(threads);
      std::vector<std::atomic<int>> seen(n);
      parallel_for(0, n, 3, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) ++seen[i];
      });
      for (auto& count : seen) EXPECT_EQ(count, 1);
    }
}

TEST(ParallelFor, RangesDependOnTheNumberOfThreadsAlone) {
  const Threads scope(3);
  const Ranges expected = {{10, 13}, {13, 16}, {16, 20}};
  for (int i = 0; i < 100; ++i) ASSERT_EQ(ranges_of(10, 20, 2), expected);
  EXPECT_EQ(ranges_of(10, 20, 4), (Ranges{{10, 15}, {15, 20}}));
  EXPECT_EQ(ranges_of(10, 20, 11), (Ranges{{10, 20}}));
}

TEST(ParallelFor, RethrowsAndNests) {
  const Threads scope(4);
  for (int i = 0; i < 100; ++i)
    EXPECT_THROW(parallel_for(0, 100, 1, [](int64_t, int64_t) { fail<Error>("in a body"); }),
                 Error);
  // One that fails leaves the others alone.
  std::atomic<int> total = 0;
  EXPECT_THROW(parallel_for(0, 4, 1,
                            [&](int64_t begin, int64_t) {
                              if (begin == 2) fail<Error>("in a body");
                              ++total;
                            }),
               Error);
  EXPECT_EQ(total, 3);
  total = 0;
  parallel_for(0, 4, 1, [&](int64_t begin, int64_t end) {
    EXPECT_EQ(num_threads(), 1);
    for (int64_t i = begin; i < end; ++i)
      parallel_for(0, 10, 1, [&](int64_t b, int64_t e) { total += static_cast<int>(e - b); });
  });
  EXPECT_EQ(total, 40);
  EXPECT_EQ(num_threads(), 4);
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

TEST(ParallelFor, UsesSeveralThreads) {
  const Threads scope(4);
  std::atomic<int> inside = 0;
  // Each part waits until all four run, which only four threads can do.
  parallel_for(0, 4, 1, [&](int64_t, int64_t) {
    ++inside;
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (inside < 4 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  });
  EXPECT_EQ(inside, 4);
}

TEST(ParallelFor, ManyCallersAtOnce) {
  const Threads scope(3);
  std::vector<std::thread> callers;
  std::atomic<int64_t> sum = 0;
  for (int caller = 0; caller < 4; ++caller)
    callers.emplace_back([&] {
      for (int i = 0; i < 500; ++i) {
        std::vector<int64_t> parts(3);
        parallel_for(0, 3, 1, [&](int64_t b, int64_t e) {
          for (int64_t p = b; p < e; ++p) parts[p] = p + 1;
        });
        sum += parts[0] + parts[1] + parts[2];
        // Long enough, now and then, for all workers to sleep.
        if (i % 100 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    });
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(sum, 4 * 500 * 6);
}

#ifdef __unix__
TEST(ParallelFor, RunsInAForkedChild) {
  const Threads scope(3);
  ranges_of(0, 3, 1);  // workers are there
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    std::atomic<int64_t> total = 0;
    parallel_for(0, 3, 1, [&](int64_t b, int64_t e) { total += e - b; });
    _exit(total == 3 ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}
#endif

}  // namespace
}  // namespace tuco
