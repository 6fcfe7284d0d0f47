#include "tuco/devices/cpu/scratch.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <thread>

#include "tests/support/allocations.h"
#include "tuco/core/parallel.h"
#include "tuco/core/parallel_part.h"

namespace tuco::cpu {
namespace {

using namespace std::chrono_literals;

class Threads {
 public:
  explicit Threads(int count) : before_(num_threads()) { set_num_threads(count); }
  ~Threads() { set_num_threads(before_); }

 private:
  int before_;
};

TEST(Scratch, BlocksOfNestedScopesLieApartAndComeBack) {
  Scratch outer;
  auto* a = outer.get<int64_t>(1000);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(a) % 64, 0u);
  std::memset(a, 1, 8000);
  char* first = nullptr;
  for (int i = 0; i < 3; ++i) {
    Scratch inner;
    auto *b = inner.get<char>(100000), *c = inner.get<char>(3);
    std::memset(b, 2, 100000);
    std::memset(c, 3, 3);
    EXPECT_EQ(b[99999], 2);
    EXPECT_TRUE(!first || b == first);
    first = b;
  }
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(a[i], 0x0101010101010101);
}

// A scope within a part takes its blocks of the part's stack, one around it of the caller's.
TEST(Scratch, PartsHaveBlocksOfTheirOwn) {
  const Threads three(3);
  Scratch shared;
  auto* of_all = shared.get<int32_t>(3);
  for (int again = 0; again < 50; ++again) {
    parallel_for(0, 3, 1, [&](int64_t begin, int64_t) {
      Scratch scratch;
      auto* own = scratch.get<int32_t>(5000);
      std::fill_n(own, 5000, static_cast<int32_t>(begin));
      EXPECT_EQ(parallel_part(), begin);
      of_all[begin] = own[4999];
    });
    for (int i = 0; i < 3; ++i) EXPECT_EQ(of_all[i], i);
  }
  EXPECT_EQ(parallel_part(), -1);
}

// Whichever thread takes a part: what was there the first time is there again. Here the caller has
// most likely done both parts before the sleeping worker is awake, and the second time waits for
// it.
TEST(Scratch, PartsFindTheirMemoryWhateverThreadTakesThem) {
  const Threads two(2);
  const auto run = [](int64_t bytes, std::chrono::milliseconds first_takes) {
    std::this_thread::sleep_for(2ms);  // the worker falls asleep
    parallel_for(0, 2, 1, [&](int64_t begin, int64_t) {
      if (begin == 0) std::this_thread::sleep_for(first_takes);
      Scratch scratch;
      std::memset(scratch.get<char>(bytes), 1, static_cast<size_t>(bytes));
    });
  };
  for (int64_t bytes = 1000; bytes < 100'000'000; bytes *= 4) {
    run(bytes, 0ms);
    const test::AllocationCount allocations;
    run(bytes, 10ms);
    run(bytes, 0ms);
    EXPECT_EQ(allocations.count(), 0) << bytes << " bytes";
  }
}

}  // namespace
}  // namespace tuco::cpu
