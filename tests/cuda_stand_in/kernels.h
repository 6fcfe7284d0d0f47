// What the stand-in's own tests share: kernels as ours are written, and small helpers.
#pragma once
#include <cuda_runtime_api.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace tuco::cuda {
inline void check_launch() {
  const cudaError_t status = cudaGetLastError();
  if (status != cudaSuccess) throw std::runtime_error(cudaGetErrorString(status));
}
}  // namespace tuco::cuda

#include <cuda_stand_in/device_code.h>
#include <gtest/gtest.h>

#include "device.h"

#define EXPECT_CUDA(call) EXPECT_EQ(call, cudaSuccess)
#define ASSERT_CUDA(call) ASSERT_EQ(call, cudaSuccess)

/// Expects a standin::Mistake whose text has `part` in it.
#define EXPECT_MISTAKE(statement, part)                                           \
  do {                                                                            \
    try {                                                                         \
      statement;                                                                  \
      ADD_FAILURE() << "no mistake was found; wanted: " << part;                  \
    } catch (const standin::Mistake& e) {                                         \
      EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what(); \
    }                                                                             \
  } while (false)

namespace standin::test {

using tuco::cuda::launch;

/// Device memory of `n` values.
template <class T>
T* device_memory(std::size_t n) {
  void* p = nullptr;
  EXPECT_CUDA(cudaMalloc(&p, n * sizeof(T)));
  return static_cast<T*>(p);
}
template <class T>
T* upload(const std::vector<T>& values) {
  T* p = device_memory<T>(values.size());
  EXPECT_CUDA(cudaMemcpy(p, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice));
  return p;
}
template <class T>
std::vector<T> download(const T* p, std::size_t n) {
  std::vector<T> values(n);
  EXPECT_CUDA(cudaMemcpy(values.data(), p, n * sizeof(T), cudaMemcpyDeviceToHost));
  return values;
}

inline cudaStream_t new_stream() {  // one that the legacy stream does not wait for
  cudaStream_t s = nullptr;
  EXPECT_CUDA(cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking));
  return s;
}

inline __global__ void add_kernel(const float* a, const float* b, float* y, int n) {
  for (int i = int(blockIdx.x * blockDim.x + threadIdx.x); i < n; i += int(blockDim.x * gridDim.x))
    y[i] = a[i] + b[i];
}
inline __global__ void fill_kernel(float* y, float value, int n) {
  for (int i = int(blockIdx.x * blockDim.x + threadIdx.x); i < n; i += int(blockDim.x * gridDim.x))
    y[i] = value;
}

}  // namespace standin::test
