// The allocator, seen through tensors and their memory statistics.
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "tuco/core/backend.h"
#include "tuco/core/tensor.h"

namespace tuco {
namespace {

TEST(Allocator, CountsWhatIsInUseAndTheMost) {
  const size_t before = memory_stats().current_bytes;
  reset_peak_memory();
  {
    const Tensor a = empty({1 << 18});
    EXPECT_GE(memory_stats().current_bytes, before + (1 << 20));
    EXPECT_LE(memory_stats().current_bytes, before + (1 << 20) * 9 / 8);
    const Tensor b = empty({1 << 18});
  }
  EXPECT_EQ(memory_stats().current_bytes, before);
  EXPECT_GE(memory_stats().peak_bytes, before + 2 * (1 << 20));
  reset_peak_memory();
  EXPECT_EQ(memory_stats().peak_bytes, before);
}

TEST(Allocator, ReusesBlocksOfNearlyTheSameSize) {
  backend(Device::cpu()).release_cached_memory();
  EXPECT_EQ(memory_stats().cached_bytes, 0u);
  void* first = nullptr;
  {
    const Tensor a = empty({100000});
    first = a.raw();
  }
  EXPECT_GE(memory_stats().cached_bytes, 400000u);
  const Tensor b = empty({99900});
  EXPECT_EQ(b.raw(), first);
  EXPECT_EQ(memory_stats().cached_bytes, 0u);
}

TEST(Allocator, BlocksAreAligned) {
  for (int64_t n = 0; n < 3000; n = n * 5 / 4 + 1)
    EXPECT_EQ(reinterpret_cast<uintptr_t>(empty({n}, {DType::uint8}).raw()) % 64, 0u) << n;
}

TEST(Allocator, ManyThreadsAtOnce) {
  const size_t before = memory_stats().current_bytes;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([t] {
      std::vector<Tensor> kept;
      for (int i = 0; i < 500; ++i) {
        Tensor x = empty({1 + (i * 37 + t) % 900}, {DType::int32});
        const auto mark = t * 1000 + i;
        x.fill_(mark);
        kept.push_back(x);
        if (kept.size() > 20) kept.erase(kept.begin());
        for (const Tensor& old : kept) {
          const auto values = old.to_vector<int32_t>();
          ASSERT_EQ(values.front(), values.back());  // nobody else writes into it
          ASSERT_EQ(values.front() / 1000, t);
        }
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(memory_stats().current_bytes, before);
}

}  // namespace
}  // namespace tuco
