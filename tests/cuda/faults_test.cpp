// What goes wrong on a real device now and then, planned on the stand-in: an error that says so,
// and everything goes on; or another way that gives the same.
#include <gtest/gtest.h>

#include <cublas_v2.h>
#include <cuda_stand_in/faults.h>
#include <cudnn.h>

#include <cmath>

#include "tuco/autograd/functions.h"
#include "tuco/core/backend.h"
#include "tuco/core/error.h"
#include "tuco/core/rng.h"

namespace tuco {
namespace {

constexpr Device kGpu = Device::cuda();

Tensor on_gpu(const Shape& shape, uint64_t seed) {
  Rng rng(seed);
  return randn(shape, rng).to(kGpu);
}

void expect_works() { EXPECT_EQ(sum(ones({4, 4}, {DType::float32, kGpu})).item(), 16); }

TEST(CudaFaults, MemoryThatIsKeptIsGivenBackBeforeAnythingFails) {
  expect_works();
  standin::FailCall once("cudaMallocAsync", cudaErrorMemoryAllocation);
  const Tensor x = full({1 << 20}, 3, {DType::float32, kGpu});
  EXPECT_TRUE(once.happened());
  EXPECT_EQ(max(x).item(), 3);
}

TEST(CudaFaults, NoMemoryIsAnErrorAndNoMore) {
  expect_works();
  {
    standin::FailCall always("cudaMallocAsync", cudaErrorMemoryAllocation, 1, 100);
    EXPECT_THROW(empty({1 << 22}, {DType::float32, kGpu}), OutOfMemory);
  }
  {
    standin::MemoryLimit limit(1 << 20);
    EXPECT_THROW(empty({1 << 23}, {DType::float32, kGpu}), OutOfMemory);
  }
  expect_works();
}

TEST(CudaFaults, NoPinnedMemoryIsAnError) {
  backend(kGpu).release_cached_memory();
  {
    standin::FailCall always("cudaHostAlloc", cudaErrorMemoryAllocation, 1, 100);
    EXPECT_THROW(full({3 << 20}, 1).to(kGpu), OutOfMemory);
  }
  expect_works();
}

TEST(CudaFaults, ALaunchThatIsRefusedIsAnError) {
  const Tensor x = on_gpu({100}, 1);
  {
    standin::FailCall launch("cudaLaunchKernel", cudaErrorLaunchOutOfResources);
    EXPECT_THROW(x * 2, CudaError);
    EXPECT_TRUE(launch.happened());
  }
  expect_works();
}

TEST(CudaFaults, AKernelThatFailsIsAnErrorWhenTheDeviceIsWaitedFor) {
  const Tensor x = on_gpu({100}, 1);
  backend(kGpu).synchronize();
  standin::FailTask task(cudaErrorIllegalAddress);
  const Tensor y = x * 2;
  try {
    y.to_vector<float>();
    FAIL() << "nothing was noticed";
  } catch (const CudaError& error) {
    EXPECT_NE(std::string(error.what()).find("cudaErrorIllegalAddress"), std::string::npos)
        << error.what();
  }
}

TEST(CudaFaults, AProductThatFailsIsAnError) {
  const Tensor x = on_gpu({5, 5}, 1);
  {
    standin::FailCall product("cublasGemmStridedBatchedEx", CUBLAS_STATUS_EXECUTION_FAILED);
    EXPECT_THROW(matmul(x, x), CudaError);
    EXPECT_TRUE(product.happened());
  }
  expect_works();
}

/// A convolution with bias, addend and ReLU, of sizes that no other test has: plans are kept.
struct Convolution {
  explicit Convolution(int64_t width)
      : x(on_gpu({2, 6, width, 3}, 1)),
        w(on_gpu({4, 3, 3, 3}, 2)),
        b(on_gpu({4}, 3)),
        addend(on_gpu({2, 6, width, 4}, 4)) {}
  Tensor operator()(Device device) const {
    const op::FusedConv2d op{.conv = {.padding = 1}, .bias = true, .addend = true};
    std::vector<Tensor> inputs;
    for (const Tensor& tensor : {x, w, b, addend}) inputs.push_back(tensor.to(device));
    std::vector<Tensor> outputs = {empty(addend.shape(), {DType::float32, device})};
    Workspace workspace;
    backend(device).run(op, inputs, outputs, workspace);
    return outputs[0];
  }
  void expect_right() const {
    const auto got = (*this)(kGpu).to_vector<float>(),
               expected = (*this)(Device::cpu()).to_vector<float>();
    for (size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], expected[i], 1e-4);
  }
  Tensor x, w, b, addend;
};

TEST(CudaFaults, WithoutFusionConvolutionsGiveTheSame) {
  standin::CudnnRefuses refuses({.fusion = true});
  Convolution(11).expect_right();
}

TEST(CudaFaults, TheNextEngineIsTaken) {
  standin::CudnnRefuses refuses({.engines = 1});
  Convolution(12).expect_right();
}

TEST(CudaFaults, WithoutAnyEngineOurOwnKernelsGiveTheSame) {
  standin::CudnnRefuses refuses({.everything = true});
  Convolution(13).expect_right();
  const Tensor x = on_gpu({2, 5, 13, 3}, 1), w = on_gpu({4, 3, 3, 3}, 2);
  const Tensor dy = on_gpu({2, 5, 13, 4}, 3);
  const auto gradients = [&](Device device) {
    Tensor images = x.to(device).clone(), weight = w.to(device).clone();
    images.requires_grad_();
    weight.requires_grad_();
    sum(conv2d(images, weight, {}, {.padding = 1}) * dy.to(device)).backward();
    return std::pair{images.grad().to_vector<float>(), weight.grad().to_vector<float>()};
  };
  const auto got = gradients(kGpu), expected = gradients(Device::cpu());
  for (size_t i = 0; i < got.first.size(); ++i) ASSERT_NEAR(got.first[i], expected.first[i], 1e-4);
  for (size_t i = 0; i < got.second.size(); ++i)
    ASSERT_NEAR(got.second[i], expected.second[i], 1e-3);
}

TEST(CudaFaults, AConvolutionThatFailsIsAnError) {
  const Convolution convolution(14);
  {
    standin::FailCall execute("cudnnBackendExecute", CUDNN_STATUS_EXECUTION_FAILED);
    EXPECT_THROW(convolution(kGpu), CudaError);
    EXPECT_TRUE(execute.happened());
  }
  convolution.expect_right();
}

/// Runs `body` in a program of its own, with a variable of the environment set, and expects it to
/// throw a DeviceError with such a text.
template <class Body>
void expect_device_error(const char* variable, const char* value, const char* text,
                         const Body& body) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        setenv(variable, value, 1);
        try {
          body();
        } catch (const DeviceError& error) {
          std::fputs(error.what(), stderr);
          std::_Exit(7);
        }
        std::_Exit(0);
      },
      testing::ExitedWithCode(7), text);
}

TEST(CudaFaultsDeathTest, AMissingLibraryIsAnErrorThatNamesIt) {
  expect_device_error(
      "TUCO_CUBLAS", "/nowhere/libcublas.so", "cuBLAS cannot be loaded.*/nowhere", [] {
        matmul(ones({2, 2}, {DType::float32, kGpu}), ones({2, 2}, {DType::float32, kGpu}));
      });
  expect_device_error("TUCO_CUDNN", "/nowhere/libcudnn.so", "cuDNN cannot be loaded.*/nowhere",
                      [] { Convolution(9)(kGpu); });
}

TEST(CudaFaultsDeathTest, AMachineWithoutADeviceSaysSo) {
  expect_device_error("STANDIN_DEVICES", "0", "no CUDA device", [] {
    ones({2}, {DType::float32, kGpu});
  });
}

}  // namespace
}  // namespace tuco
