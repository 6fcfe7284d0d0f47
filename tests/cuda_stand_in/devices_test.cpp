#include <cublas_v2.h>
#include <cudnn.h>
#include <dlfcn.h>

#include <cstdlib>
#include <thread>

#include "kernels.h"

namespace standin::test {
namespace {

TEST(Devices, TellThatTheyArePretended) {
  cudaDeviceProp p{};
  ASSERT_CUDA(cudaGetDeviceProperties(&p, 0));
  EXPECT_STREQ(p.name, "stand-in");
  EXPECT_EQ(p.major * 10 + p.minor, 90);
  int value = 0;
  EXPECT_CUDA(cudaDeviceGetAttribute(&value, cudaDevAttrMultiProcessorCount, 1));
  EXPECT_EQ(value, p.multiProcessorCount);
  EXPECT_CUDA(cudaRuntimeGetVersion(&value));
  EXPECT_EQ(value, CUDART_VERSION);
  EXPECT_EQ(cudaGetDeviceProperties(&p, 7), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaSetDevice(-1), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidDevice);
}

TEST(Devices, LibrariesAreFoundInTheProgramItself) {
  void* self = dlopen(nullptr, RTLD_NOW);
  ASSERT_NE(self, nullptr);
  for (const char* name : {"cublasCreate_v2", "cublasGemmStridedBatchedEx_64", "cudnnCreate",
                           "cudnnBackendExecute", "cudnnGetVersion"})
    EXPECT_NE(dlsym(self, name), nullptr) << name;
  EXPECT_EQ(dlsym(self, "cublasCreate_v2"), reinterpret_cast<void*>(&cublasCreate_v2));
  dlclose(self);
}

// A machine without a GPU: run by the build with STANDIN_DEVICES=0.
TEST(NoDevices, EveryCallSaysSo) {
  const char* devices = std::getenv("STANDIN_DEVICES");
  if (!devices || std::string(devices) != "0") GTEST_SKIP() << "needs STANDIN_DEVICES=0";
  int count = -1;
  EXPECT_EQ(cudaGetDeviceCount(&count), cudaErrorNoDevice);
  EXPECT_EQ(count, 0);
  void* p = nullptr;
  EXPECT_EQ(cudaMalloc(&p, 4), cudaErrorNoDevice);
  EXPECT_EQ(cudaGetLastError(), cudaErrorNoDevice);
  EXPECT_EQ(cudaSetDevice(0), cudaErrorNoDevice);
  cudaStream_t s = nullptr;
  EXPECT_EQ(cudaStreamCreate(&s), cudaErrorNoDevice);
  cublasHandle_t blas = nullptr;
  EXPECT_EQ(cublasCreate(&blas), CUBLAS_STATUS_NOT_INITIALIZED);
  cudnnHandle_t dnn = nullptr;
  EXPECT_EQ(cudnnCreate(&dnn), CUDNN_STATUS_NOT_INITIALIZED);
  int version = -1;
  EXPECT_CUDA(cudaDriverGetVersion(&version));
  EXPECT_EQ(version, 0);
}

struct TwoDevices : ::testing::Test {
  ~TwoDevices() override {
    EXPECT_CUDA(cudaSetDevice(0));
    (void)cudaGetLastError();
  }
};

TEST_F(TwoDevices, EachThreadHasItsCurrentOne) {
  int count = 0;
  ASSERT_CUDA(cudaGetDeviceCount(&count));
  ASSERT_EQ(count, 2);
  ASSERT_CUDA(cudaSetDevice(1));
  std::thread([] {
    int device = -1;
    EXPECT_CUDA(cudaGetDevice(&device));
    EXPECT_EQ(device, 0);
  }).join();
  float* p = device_memory<float>(4);
  cudaPointerAttributes a{};
  EXPECT_CUDA(cudaPointerGetAttributes(&a, p));
  EXPECT_EQ(a.device, 1);
  EXPECT_CUDA(cudaFree(p));
}

TEST_F(TwoDevices, StreamsEventsAndMemoryBelongToOne) {
  const cudaStream_t s0 = new_stream();
  float* p0 = device_memory<float>(4);
  cudaEvent_t e0 = nullptr, e1 = nullptr;
  ASSERT_CUDA(cudaEventCreate(&e0));
  ASSERT_CUDA(cudaSetDevice(1));
  const cudaStream_t s1 = new_stream();
  float* p1 = device_memory<float>(4);
  ASSERT_CUDA(cudaEventCreate(&e1));

  EXPECT_THROW(launch(fill_kernel, 1, 4, 0, s0, p0, 1.0f, 4), std::runtime_error);
  EXPECT_MISTAKE(launch(fill_kernel, 1, 4, 0, s1, p0, 1.0f, 4),
                 "is memory of device 0, the work runs on device 1");
  EXPECT_EQ(cudaEventRecord(e0, s1), cudaErrorInvalidResourceHandle);
  (void)cudaGetLastError();
  // A stream may wait for an event of another device, and memory crosses by copies.
  launch(fill_kernel, 1, 4, 0, s1, p1, 3.0f, 4);
  EXPECT_CUDA(cudaEventRecord(e1, s1));
  EXPECT_CUDA(cudaStreamWaitEvent(s0, e1, 0));
  EXPECT_CUDA(cudaMemcpyPeerAsync(p0, 0, p1, 1, 16, s0));
  EXPECT_MISTAKE(cudaMemcpyPeerAsync(p0, 1, p1, 0, 16, s0), "is memory of device 0");
  EXPECT_CUDA(cudaStreamSynchronize(s0));
  EXPECT_EQ(download(p0, 4)[3], 3);
  EXPECT_CUDA(cudaStreamDestroy(s0));
  EXPECT_CUDA(cudaStreamDestroy(s1));
  for (cudaEvent_t e : {e0, e1}) EXPECT_CUDA(cudaEventDestroy(e));
  EXPECT_CUDA(cudaFree(p0));
  EXPECT_CUDA(cudaFree(p1));
}

TEST_F(TwoDevices, SynchronizingOneDoesNotWaitForTheOther) {
  const cudaStream_t s0 = new_stream();
  void* pinned = nullptr;
  ASSERT_CUDA(cudaMallocHost(&pinned, 16));
  float* p0 = device_memory<float>(4);
  launch(fill_kernel, 1, 4, 0, s0, p0, 1.0f, 4);
  EXPECT_CUDA(cudaMemcpyAsync(pinned, p0, 16, cudaMemcpyDeviceToHost, s0));
  ASSERT_CUDA(cudaSetDevice(1));
  EXPECT_CUDA(cudaDeviceSynchronize());
  EXPECT_NE(*static_cast<float*>(pinned), 1);
  ASSERT_CUDA(cudaSetDevice(0));
  EXPECT_CUDA(cudaDeviceSynchronize());
  EXPECT_EQ(*static_cast<float*>(pinned), 1);
  EXPECT_CUDA(cudaStreamDestroy(s0));
  EXPECT_CUDA(cudaFreeHost(pinned));
  EXPECT_CUDA(cudaFree(p0));
}

}  // namespace
}  // namespace standin::test
