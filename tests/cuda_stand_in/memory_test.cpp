#include <cmath>
#include <cstring>
#include <thread>

#include "context.h"  // STANDIN_ASAN
#include "faults.h"
#include "kernels.h"
#include "settings.h"

namespace standin::test {
namespace {

__global__ void chase_kernel(float** pointers) { *pointers[0] = 1; }
__global__ void index_kernel(float* y, long at) { y[at] = 1; }

TEST(Memory, StartsAsNaNAndItsAddressesAreNeverUsedAgain) {
  float* p = device_memory<float>(5);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(p) % 256, 0u);
  for (float v : download(p, 5)) EXPECT_TRUE(std::isnan(v));
  EXPECT_CUDA(cudaFree(p));
  for (int i = 0; i < 100; ++i) {
    float* q = device_memory<float>(5);
    EXPECT_NE(q, p);
    EXPECT_CUDA(cudaFree(q));
  }
  void* none = p;
  EXPECT_CUDA(cudaMalloc(&none, 0));
  EXPECT_EQ(none, nullptr);
}

TEST(Memory, IsCountedAndLimited) {
  const Live before = live();
  const MemoryLimit limit(before.bytes + (1 << 20) + 65536);
  std::size_t free = 0, total = 0;
  EXPECT_CUDA(cudaMemGetInfo(&free, &total));
  EXPECT_EQ(total, before.bytes + (1 << 20) + 65536);
  void* p = nullptr;
  void* q = &p;
  ASSERT_CUDA(cudaMalloc(&p, 1 << 20));
  EXPECT_EQ(live().bytes, before.bytes + (1 << 20));
  EXPECT_EQ(cudaMalloc(&q, 1 << 20), cudaErrorMemoryAllocation);
  EXPECT_EQ(q, nullptr);
  EXPECT_EQ(cudaGetLastError(), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  EXPECT_CUDA(cudaFree(p));
  EXPECT_CUDA(cudaMalloc(&q, 1 << 20));
  EXPECT_CUDA(cudaFree(q));
  EXPECT_EQ(live().allocations, before.allocations);
}

TEST(Memory, WhatAStreamFreesItMayHaveAgain) {
  const MemoryLimit limit(live().bytes + (1 << 20) + 65536);
  const cudaStream_t s = new_stream();
  void *a = nullptr, *b = nullptr;
  ASSERT_CUDA(cudaMallocAsync(&a, 1 << 20, s));
  EXPECT_EQ(cudaMallocAsync(&b, 1 << 20, s), cudaErrorMemoryAllocation);
  (void)cudaGetLastError();
  launch(fill_kernel, 1, 32, 0, s, static_cast<float*>(a), 1.0f, 100);
  EXPECT_CUDA(cudaFreeAsync(a, s));
  EXPECT_CUDA(cudaMallocAsync(&b, 1 << 20, s));
  EXPECT_NE(a, b);
  EXPECT_CUDA(cudaFreeAsync(b, s));
  EXPECT_CUDA(cudaStreamSynchronize(s));
  EXPECT_CUDA(cudaStreamDestroy(s));
}

TEST(Memory, ABufferLeftByAKernelIsFoundToTheByte) {
  float* a = device_memory<float>(100);
  launch(fill_kernel, 1, 32, 0, nullptr, a, 1.0f, 100);
  EXPECT_CUDA(cudaDeviceSynchronize());
#ifndef STANDIN_ASAN  // which ends the program instead
  launch(fill_kernel, 1, 32, 0, nullptr, a, 1.0f, 101);
  EXPECT_MISTAKE(cudaDeviceSynchronize(), "wrote 0 bytes past the end of a buffer of 400 bytes");
  launch(index_kernel, 1, 1, 0, nullptr, a, -1L);
  EXPECT_MISTAKE(cudaDeviceSynchronize(), "wrote 4 bytes before a buffer of 400 bytes");
#endif
  EXPECT_MISTAKE(launch(fill_kernel, 1, 1, 0, nullptr, a - 1, 1.0f, 1), "no live allocation");
}

using MemoryDeathTest = ::testing::Test;

TEST(MemoryDeathTest, TheHostCannotTouchDeviceMemory) {
  float* p = device_memory<float>(4);
#ifdef STANDIN_ASAN
  const char* message = "use-after-poison";
#else
  const char* message = "host code touched device memory";
#endif
  EXPECT_DEATH(p[0] = 1, message);
  EXPECT_DEATH(std::printf("%g", double(p[3])), message);
}

TEST(MemoryDeathTest, AKernelTouchesOnlyWhatItsArgumentsPointTo) {
  float* named = device_memory<float>(4);
  float* other = device_memory<float>(4);
#ifdef STANDIN_ASAN
  const char* message = "use-after-poison|SEGV";
#else
  const char* message = "left its buffers";
#endif
  const auto run = [](auto... args) {
    launch(index_kernel, 1, 1, 0, nullptr, args...);
    cudaDeviceSynchronize();
  };
  EXPECT_DEATH(run(named, 8192), message);
  EXPECT_DEATH(run(named, other - named), message);
  float** table = upload(std::vector<float*>{other});
  EXPECT_DEATH(
      {
        launch(chase_kernel, 1, 1, 0, nullptr, table);
        cudaDeviceSynchronize();
      },
      message);
}

// Without padding, where anything may stand: only such arguments are searched for the host's.
struct View {
  const float* data;
  int64_t n;
};
__global__ void view_kernel(View v, float* y) { y[threadIdx.x] = v.data[threadIdx.x]; }

TEST(Memory, HostPointersToKernelsAreFound) {
  std::vector<float> host(8, 2.0f);
  float* y = device_memory<float>(8);
  EXPECT_MISTAKE(launch(fill_kernel, 1, 8, 0, nullptr, host.data(), 1.0f, 8),
                 "argument 1 is a pointer of the host");
  EXPECT_MISTAKE(launch(view_kernel, 1, 8, 0, nullptr, View{host.data(), 8}, y),
                 "argument 1 has a pointer of the host inside");
  // Pinned memory is seen by all devices.
  void* pinned = nullptr;
  ASSERT_CUDA(cudaMallocHost(&pinned, 32));
  std::memcpy(pinned, host.data(), 32);
  launch(view_kernel, 1, 8, 0, nullptr, View{static_cast<float*>(pinned), 8}, y);
  EXPECT_EQ(download(y, 8), host);
  EXPECT_CUDA(cudaFreeHost(pinned));
}

TEST(Memory, UseAfterFreeAndDoubleFreeAreFound) {
  float* a = device_memory<float>(8);
  launch(fill_kernel, 1, 8, 0, nullptr, a, 1.0f, 8);
  EXPECT_CUDA(cudaFree(a));  // waits for the kernel
  EXPECT_MISTAKE(launch(fill_kernel, 1, 8, 0, nullptr, a, 1.0f, 8), "no live allocation");
  EXPECT_MISTAKE(cudaFree(a), "not the start of a live allocation");
  int host = 0;
  EXPECT_MISTAKE(cudaFree(&host), "not the start of a live allocation");
  EXPECT_MISTAKE(cudaFreeAsync(a, nullptr), "not the start of a live allocation");
  EXPECT_MISTAKE(cudaFreeHost(&host), "not the start of live pinned memory");

  const cudaStream_t s = new_stream(), other = new_stream();
  void* p = nullptr;
  EXPECT_CUDA(cudaMallocAsync(&p, 32, s));
  float* b = static_cast<float*>(p);
  launch(fill_kernel, 1, 8, 0, s, b, 1.0f, 8);
  EXPECT_CUDA(cudaFreeAsync(p, s));
  launch(fill_kernel, 1, 8, 0, s, b, 1.0f, 8);
  EXPECT_MISTAKE(cudaStreamSynchronize(s), "no live allocation");
  EXPECT_CUDA(cudaStreamDestroy(s));
  EXPECT_CUDA(cudaStreamDestroy(other));
}

TEST(Memory, CopiesCheckTheirExtentsAndKinds) {
  std::vector<float> host(9);
  float* a = device_memory<float>(8);
  EXPECT_MISTAKE(cudaMemcpy(a, host.data(), 36, cudaMemcpyHostToDevice),
                 "needs 36 bytes, its allocation has 32 left");
  EXPECT_MISTAKE(cudaMemcpy(host.data(), a + 1, 32, cudaMemcpyDeviceToHost),
                 "needs 32 bytes, its allocation has 28 left");
  EXPECT_MISTAKE(cudaMemcpy(a, host.data(), 32, cudaMemcpyDeviceToHost), "the kind does not fit");
  EXPECT_MISTAKE(cudaMemset(host.data(), 0, 4), "is a pointer of the host");
  EXPECT_MISTAKE(cudaMemset(a, 0, 33), "needs 33 bytes");
  EXPECT_EQ(cudaMemcpy2DAsync(a, 4, host.data(), 8, 8, 2, cudaMemcpyDefault, nullptr),
            cudaErrorInvalidPitchValue);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidPitchValue);
}

TEST(Memory, RectanglesAreCopiedRowByRow) {
  std::vector<int> host(12);
  for (int i = 0; i < 12; ++i) host[i] = i;
  int* p = device_memory<int>(8);
  EXPECT_CUDA(cudaMemset(p, 0, 32));
  // Three rows of two out of rows of four, into rows of three.
  EXPECT_CUDA(cudaMemcpy2DAsync(p, 12, host.data() + 1, 16, 8, 3, cudaMemcpyHostToDevice, nullptr));
  EXPECT_EQ(download(p, 8), (std::vector{1, 2, 0, 5, 6, 0, 9, 10}));
}

TEST(Memory, PointersTellWhatTheyAre) {
  int host = 0;
  void* pinned = nullptr;
  ASSERT_CUDA(cudaHostAlloc(&pinned, 64, cudaHostAllocDefault));
  int* device = device_memory<int>(4);
  cudaPointerAttributes a{};
  EXPECT_CUDA(cudaPointerGetAttributes(&a, &host));
  EXPECT_EQ(a.type, cudaMemoryTypeUnregistered);
  EXPECT_CUDA(cudaPointerGetAttributes(&a, static_cast<char*>(pinned) + 63));
  EXPECT_EQ(a.type, cudaMemoryTypeHost);
  EXPECT_CUDA(cudaPointerGetAttributes(&a, device + 1));
  EXPECT_EQ(a.type, cudaMemoryTypeDevice);
  EXPECT_EQ(a.devicePointer, device + 1);
  EXPECT_CUDA(cudaFreeHost(pinned));
}

TEST(Memory, ThreadsMayAllLaunchAtOnce) {
  std::vector<std::thread> threads;
  std::vector<float> sums(4);
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      const cudaStream_t s = new_stream();
      float* x = device_memory<float>(64);
      EXPECT_CUDA(cudaMemsetAsync(x, 0, 256, s));
      float* one = device_memory<float>(64);
      launch(fill_kernel, 1, 64, 0, s, one, float(t + 1), 64);
      for (int i = 0; i < 100; ++i) launch(add_kernel, 2, 32, 0, s, x, one, x, 64);
      EXPECT_CUDA(cudaStreamSynchronize(s));
      sums[t] = download(x, 64)[63];
      EXPECT_CUDA(cudaStreamDestroy(s));
      EXPECT_CUDA(cudaFree(x));
      EXPECT_CUDA(cudaFree(one));
    });
  for (auto& t : threads) t.join();
  for (int t = 0; t < 4; ++t) EXPECT_EQ(sums[t], 100 * (t + 1));
}

}  // namespace
}  // namespace standin::test
