#include <chrono>
#include <cmath>
#include <cstring>
#include <thread>

#include "faults.h"
#include "kernels.h"
#include "settings.h"

namespace standin::test {
namespace {

// Two streams, pinned memory and a buffer of four values.
struct Streams : ::testing::Test {
  cudaStream_t s = new_stream(), other = new_stream();
  float* x = device_memory<float>(4);
  float* pinned = nullptr;
  cudaEvent_t event = nullptr;

  Streams() {
    void* p = nullptr;
    EXPECT_CUDA(cudaMallocHost(&p, 16));
    pinned = static_cast<float*>(p);
    EXPECT_CUDA(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  }
  ~Streams() override {
    EXPECT_CUDA(cudaEventDestroy(event));
    EXPECT_CUDA(cudaStreamDestroy(s));
    EXPECT_CUDA(cudaStreamDestroy(other));
    EXPECT_CUDA(cudaFreeHost(pinned));
    EXPECT_CUDA(cudaFree(x));
  }
  void fill(float value, cudaStream_t stream) { launch(fill_kernel, 1, 4, 0, stream, x, value, 4); }
  void read(cudaStream_t stream) {
    EXPECT_CUDA(cudaMemcpyAsync(pinned, x, 16, cudaMemcpyDeviceToHost, stream));
  }
};

TEST_F(Streams, NothingRunsBeforeSomethingWaits) {
  fill(1, s);
  read(s);
  EXPECT_TRUE(std::isnan(pinned[0]));
  EXPECT_CUDA(cudaStreamSynchronize(other));
  EXPECT_TRUE(std::isnan(pinned[0]));
  EXPECT_CUDA(cudaStreamSynchronize(s));
  EXPECT_EQ(pinned[3], 1);
}

TEST_F(Streams, AMissingWaitShowsAndAnEventOrders) {
  fill(1, s);
  read(other);
  EXPECT_CUDA(cudaStreamSynchronize(other));
  EXPECT_TRUE(std::isnan(pinned[0]));  // nobody told `other` to wait
  EXPECT_CUDA(cudaStreamSynchronize(s));
  fill(2, s);
  EXPECT_CUDA(cudaEventRecord(event, s));
  fill(3, s);
  EXPECT_CUDA(cudaStreamWaitEvent(other, event, 0));
  EXPECT_CUDA(cudaEventRecord(event, s));  // moves on; the wait was for where it stood
  read(other);
  EXPECT_CUDA(cudaStreamSynchronize(other));
  EXPECT_EQ(pinned[0], 2);
  EXPECT_CUDA(cudaEventSynchronize(event));
  read(other);
  EXPECT_CUDA(cudaStreamSynchronize(other));
  EXPECT_EQ(pinned[0], 3);
}

TEST_F(Streams, PinnedUploadsAreReadLateAndPageableOnesAtTheCall) {
  std::vector<float> pageable(4, 5.0f);
  EXPECT_CUDA(cudaMemcpyAsync(x, pageable.data(), 16, cudaMemcpyHostToDevice, s));
  pageable.assign(4, 6.0f);
  EXPECT_CUDA(cudaStreamSynchronize(s));
  EXPECT_EQ(download(x, 4)[0], 5);
  std::fill(pinned, pinned + 4, 7.0f);
  EXPECT_CUDA(cudaMemcpyAsync(x, pinned, 16, cudaMemcpyHostToDevice, s));
  std::fill(pinned, pinned + 4, 8.0f);  // too early
  EXPECT_CUDA(cudaStreamSynchronize(s));
  EXPECT_EQ(download(x, 4)[0], 8);
}

TEST_F(Streams, ADownloadToPageableMemoryWaits) {
  fill(4, s);
  std::vector<float> out(4);
  EXPECT_CUDA(cudaMemcpyAsync(out.data(), x, 16, cudaMemcpyDeviceToHost, s));
  EXPECT_EQ(out[3], 4);
}

TEST_F(Streams, TheLegacyStreamAndBlockingOnesWaitForEachOther) {
  cudaStream_t blocking = nullptr;
  ASSERT_CUDA(cudaStreamCreate(&blocking));
  fill(1, blocking);
  read(nullptr);
  EXPECT_TRUE(std::isnan(pinned[0]));  // ordered, but not done
  EXPECT_CUDA(cudaStreamSynchronize(nullptr));
  EXPECT_EQ(pinned[0], 1);
  fill(2, nullptr);
  read(blocking);
  EXPECT_CUDA(cudaStreamSynchronize(blocking));
  EXPECT_EQ(pinned[0], 2);
  fill(3, s);  // which does not block
  read(nullptr);
  EXPECT_CUDA(cudaStreamSynchronize(nullptr));
  EXPECT_EQ(pinned[0], 2);
  EXPECT_CUDA(cudaStreamDestroy(blocking));
}

TEST_F(Streams, ADestroyedStreamFinishesItsWork) {
  cudaStream_t gone = new_stream();
  fill(1, gone);
  EXPECT_CUDA(cudaEventRecord(event, gone));
  EXPECT_CUDA(cudaStreamDestroy(gone));
  read(s);
  EXPECT_CUDA(cudaStreamSynchronize(s));
  EXPECT_TRUE(std::isnan(pinned[0]));  // destroying is no wait
  EXPECT_CUDA(cudaStreamWaitEvent(s, event, 0));
  read(s);
  EXPECT_CUDA(cudaStreamSynchronize(s));
  EXPECT_EQ(pinned[0], 1);
  EXPECT_MISTAKE(cudaStreamSynchronize(gone), "a stream that is not alive");
}

TEST_F(Streams, QueriesEndALoopOfThem) {
  fill(1, s);
  read(s);
  EXPECT_CUDA(cudaEventRecord(event, s));
  EXPECT_EQ(cudaEventQuery(event), cudaErrorNotReady);
  EXPECT_EQ(cudaStreamQuery(s), cudaErrorNotReady);
  int times = 0;
  while (cudaEventQuery(event) == cudaErrorNotReady) ASSERT_LT(++times, 100);
  EXPECT_EQ(pinned[0], 1);
  EXPECT_CUDA(cudaStreamQuery(s));
  EXPECT_EQ(cudaGetLastError(), cudaErrorNotReady);
}

TEST_F(Streams, EventsMeasureTime) {
  cudaEvent_t a = nullptr, b = nullptr;
  ASSERT_CUDA(cudaEventCreate(&a));
  ASSERT_CUDA(cudaEventCreate(&b));
  float ms = -1;
  EXPECT_EQ(cudaEventElapsedTime(&ms, a, b), cudaErrorInvalidResourceHandle);
  EXPECT_CUDA(cudaEventRecord(a, s));
  EXPECT_CUDA(cudaLaunchHostFunc(
      s,
      [](void*) {
        const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(5);
        while (std::chrono::steady_clock::now() < until) {
        }
      },
      nullptr));
  EXPECT_CUDA(cudaEventRecord(b, s));
  EXPECT_EQ(cudaEventElapsedTime(&ms, a, b), cudaErrorNotReady);
  EXPECT_CUDA(cudaEventSynchronize(b));
  EXPECT_CUDA(cudaEventElapsedTime(&ms, a, b));
  EXPECT_GE(ms, 5);
  EXPECT_CUDA(cudaEventRecord(event, s));
  EXPECT_EQ(cudaEventElapsedTime(&ms, a, event), cudaErrorInvalidResourceHandle);  // no timing
  (void)cudaGetLastError();
  EXPECT_CUDA(cudaEventDestroy(a));
  EXPECT_MISTAKE(cudaEventRecord(a, s), "an event that is not alive");
  EXPECT_MISTAKE(cudaStreamSynchronize(cudaStreamPerThread), "has no cudaStreamPerThread");
  EXPECT_CUDA(cudaEventDestroy(b));
}

TEST_F(Streams, HostFunctionsRunInOrderAndMayNotCallTheRuntime) {
  struct Seen {
    float value = -1;
    float* from = nullptr;
    cudaError_t status = cudaSuccess;
  } seen;
  seen.from = pinned;
  fill(6, s);
  read(s);
  EXPECT_CUDA(cudaLaunchHostFunc(
      s,
      [](void* p) {
        auto& out = *static_cast<Seen*>(p);
        out.value = *out.from;
        out.status = cudaDeviceSynchronize();
      },
      &seen));
  EXPECT_EQ(seen.value, -1);
  EXPECT_CUDA(cudaStreamSynchronize(s));
  EXPECT_EQ(seen.value, 6);
  EXPECT_EQ(seen.status, cudaErrorNotPermitted);
  (void)cudaGetLastError();
}

TEST_F(Streams, ThreadsWaitForEachOthersWork) {
  std::vector<std::thread> threads;
  std::vector<float> seen(4, -1);
  fill(0, s);
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        const cudaStream_t mine = new_stream();
        cudaEvent_t done = nullptr;
        EXPECT_CUDA(cudaEventCreateWithFlags(&done, cudaEventDisableTiming));
        EXPECT_CUDA(cudaEventRecord(done, s));
        EXPECT_CUDA(cudaStreamWaitEvent(mine, done, 0));
        std::vector<float> out(4, -1);
        EXPECT_CUDA(cudaMemcpyAsync(out.data(), x, 16, cudaMemcpyDeviceToHost, mine));
        seen[std::size_t(t)] = out[0];
        EXPECT_CUDA(cudaEventDestroy(done));
        EXPECT_CUDA(cudaStreamDestroy(mine));
      }
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(seen, std::vector<float>(4, 0));
}

TEST_F(Streams, EagerAndRandomOrdersRunBeforeTheWait) {
  {
    const RunOrder eager("eager");
    fill(1, s);
    read(s);
    EXPECT_EQ(pinned[0], 1);
  }
  int early = 0;
  for (int seed = 1; seed < 20; ++seed) {
    const RunOrder random("random:" + std::to_string(seed));
    pinned[0] = 0;
    fill(float(seed), s);
    read(s);
    early += pinned[0] == float(seed);
    EXPECT_CUDA(cudaStreamSynchronize(s));
    EXPECT_EQ(pinned[0], float(seed));
  }
  EXPECT_GT(early, 0);
  EXPECT_LT(early, 19);
  EXPECT_THROW(RunOrder("late"), std::invalid_argument);
}

TEST_F(Streams, PlannedFailuresHappenOnTime) {
  {
    const FailCall second("cudaMalloc", cudaErrorMemoryAllocation, 2);
    void *a = nullptr, *b = nullptr;
    EXPECT_CUDA(cudaMalloc(&a, 4));
    EXPECT_FALSE(second.happened());
    EXPECT_EQ(cudaMalloc(&b, 4), cudaErrorMemoryAllocation);
    EXPECT_TRUE(second.happened());
    EXPECT_CUDA(cudaMalloc(&b, 4));
    EXPECT_EQ(cudaGetLastError(), cudaErrorMemoryAllocation);
    EXPECT_CUDA(cudaFree(a));
    EXPECT_CUDA(cudaFree(b));
  }
  {
    const FailCall launches("cudaLaunchKernel", cudaErrorLaunchOutOfResources, 1, 2);
    EXPECT_THROW(fill(1, s), std::runtime_error);
    EXPECT_THROW(fill(1, s), std::runtime_error);
    fill(1, s);
  }
  EXPECT_CUDA(cudaStreamSynchronize(s));
  {
    const FailTask fault(cudaErrorIllegalAddress, 2);
    fill(1, s);
    fill(2, s);
    read(s);
    EXPECT_EQ(cudaStreamSynchronize(s), cudaErrorIllegalAddress);
    void* p = nullptr;
    EXPECT_EQ(cudaMalloc(&p, 4), cudaErrorIllegalAddress);  // and for ever
    EXPECT_EQ(cudaGetLastError(), cudaErrorIllegalAddress);
    EXPECT_EQ(cudaGetLastError(), cudaErrorIllegalAddress);
    EXPECT_TRUE(std::isnan(pinned[0]));
  }
  (void)cudaGetLastError();
  EXPECT_STREQ(cudaGetErrorName(cudaErrorIllegalAddress), "cudaErrorIllegalAddress");
  EXPECT_STREQ(cudaGetErrorString(cudaErrorNoDevice), "no CUDA-capable device is detected");
}

}  // namespace
}  // namespace standin::test
