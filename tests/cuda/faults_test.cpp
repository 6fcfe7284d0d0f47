// What goes wrong on a real device now and then, planned on the stand-in: an error that says so,
// and everything goes on; or another way that gives the same.
#include <gtest/gtest.h>

#include <cublas_v2.h>
#include <cuda_stand_in/device.h>
#include <cuda_stand_in/faults.h>
#include <cuda_stand_in/settings.h>
#include <cudnn.h>

#include <cmath>

#include "tests/support/thread_processes.h"
#include "tuco/autograd/functions.h"
#include "tuco/core/backend.h"
#include "tuco/core/error.h"
#include "tuco/core/precision.h"
#include "tuco/core/rng.h"
#include "tuco/devices/cuda/cudnn_graph.h"
#include "tuco/devices/cuda/device_context.h"

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

TEST(CudaConvolutions, AreLeftToCudnnInOnePass) {
  // What it refuses, kernels of our own compute just as well, so that a graph that it never takes
  // shows in the time alone.
  Workspace workspace;
  for (const DType dtype : {DType::float32, DType::float64})
    for (const int64_t groups : {1, 2}) {
      const op::Conv2d conv{
          .stride = {1, 2}, .dilation = {2, 1}, .padding = {1, 2, 3, 1}, .groups = groups};
      const auto there = [&](const Shape& shape) { return on_gpu(shape, 1).to(dtype); };
      const Tensor x = there({2, 6, 7, 4}), w = there({6, 3, 2, 4 / groups}), bias = there({6});
      const Tensor y = conv2d(x, w, {}, conv), other = y.clone();
      const auto expect_cudnn = [&](const op::Any& op, const std::vector<Tensor>& in, Tensor out) {
        SCOPED_TRACE(fmt::format("{} of {}", to_string(op), dtype));
        // What follows a convolution of doubles has no engine.
        const bool of_ours = dtype == DType::float64 && std::holds_alternative<op::FusedConv2d>(op);
        const auto runs = standin::calls("cudnnBackendExecute"),
                   kernels = standin::calls("cudaLaunchKernel");
        backend(kGpu).run(op, in, std::span(&out, 1), workspace);
        EXPECT_EQ(standin::calls("cudnnBackendExecute") - runs, 1);
        EXPECT_EQ(standin::calls("cudaLaunchKernel") - kernels, of_ours);
      };
      expect_cudnn(conv, {x, w}, y);
      expect_cudnn(op::FusedConv2d{conv}, {x, w}, y);
      expect_cudnn(op::FusedConv2d{conv, true}, {x, w, bias}, y);
      expect_cudnn(op::FusedConv2d{conv, true, true}, {x, w, bias, other}, y);
      expect_cudnn(op::Conv2dGradInput{conv, x.shape()}, {y, w}, x.clone());
      expect_cudnn(op::Conv2dGradWeight{conv, w.shape()}, {x, y}, w.clone());
    }
  backend(kGpu).synchronize();
}

/// What is allocated when nothing is under way and nothing is kept: memory goes back in the order
/// of the stream, and of pinned buffers one is left, with which the last call waited.
standin::Live live_at_rest() {
  for (int i = 0; i < 2; ++i) {
    backend(kGpu).release_cached_memory();
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  }
  return standin::live();
}

TEST(CudaMemory, OfTensorsIsGivenBack) {
  const standin::Live before = live_at_rest();
  {
    const Tensor x = on_gpu({3000}, 1);
    sum(x * 2 + x).item();
    mean(on_gpu({40000, 3}, 2), {0}).to_vector<float>();  // with scratch memory
  }
  const standin::Live after = live_at_rest();
  EXPECT_EQ(after.allocations, before.allocations);
  EXPECT_EQ(after.bytes, before.bytes);
}

TEST(CudaMemory, OfConvolutionsIsGivenBack) {
  const Convolution convolution(15);
  convolution(kGpu);  // the plan, and the zeros that a missing bias is, stay
  const auto descriptors = [] {
    return standin::calls("cudnnBackendCreateDescriptor") -
           standin::calls("cudnnBackendDestroyDescriptor");
  };
  const standin::Live before = live_at_rest();
  const auto before_descriptors = descriptors();
  for (int i = 0; i < 3; ++i) convolution(kGpu);
  const standin::Live after = live_at_rest();
  EXPECT_EQ(descriptors(), before_descriptors);
  EXPECT_EQ(after.allocations, before.allocations);
  EXPECT_EQ(after.events, before.events);
}

TEST(CudaMemory, PinnedIsGivenBackWhenNoCopyUsesIt) {
  const standin::RunOrder lazy("lazy");
  const size_t before = live_at_rest().pinned;
  std::vector<Tensor> there;
  for (int i = 0; i < 5; ++i) there.push_back(full({5000 << i}, i + 1).to(kGpu));
  EXPECT_GE(standin::live().pinned, before + 5);  // none of the copies has begun
  backend(kGpu).release_cached_memory();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(mean(there[i]).item(), i + 1);
  EXPECT_EQ(live_at_rest().pinned, before);
}

TEST(CudaMemory, OfADeviceIsGivenBackWithIt) {
  const standin::Live before = live_at_rest();
  const auto handles = [] {
    return standin::calls("cublasCreate") - standin::calls("cublasDestroy") +
           standin::calls("cudnnCreate") - standin::calls("cudnnDestroy");
  };
  const auto before_handles = handles();
  {
    cuda::DeviceContext context(0);
    void* const block = context.allocator().allocate(4000);
    std::vector<float> values(1000, 3), back(1000);
    context.staging().upload(block, values.data(), 4000, context.stream());
    context.download(back.data(), block, 4000);
    EXPECT_EQ(back, values);
    context.staging().upload(block, values.data(), 4000, context.stream());  // and not waited for
    context.allocator().free(block, 4000);
    context.blas();
    context.dnn();
    context.convolutions();
    EXPECT_GT(standin::live().streams, before.streams);
    EXPECT_GT(standin::live().events, before.events);
    EXPECT_GT(standin::live().pinned, before.pinned);
  }
  EXPECT_EQ(handles(), before_handles);
  const standin::Live after = live_at_rest();
  EXPECT_EQ(after.allocations, before.allocations);
  EXPECT_EQ(after.bytes, before.bytes);
  EXPECT_EQ(after.pinned, before.pinned);
  EXPECT_EQ(after.streams, before.streams);
  EXPECT_EQ(after.events, before.events);
}

TEST(CudaDevices, TheThreadsOwnDeviceStays) {
  const auto current = [] {
    int index = -1;
    EXPECT_EQ(cudaGetDevice(&index), cudaSuccess);
    return index;
  };
  ASSERT_EQ(current(), 0);
  const TensorOptions there{DType::float32, Device::cuda(1)};
  EXPECT_EQ(sum(ones({4}, there)).item(), 4);
  EXPECT_EQ(current(), 0);
  // And that of a user who has another.
  ASSERT_EQ(cudaSetDevice(1), cudaSuccess);
  expect_works();
  EXPECT_EQ(current(), 1);
  ASSERT_EQ(cudaSetDevice(0), cudaSuccess);
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
#ifdef TUCO_HAVE_NCCL
  expect_device_error("TUCO_NCCL", "/nowhere/libnccl.so",
                      "process 0: NCCL cannot be loaded.*/nowhere", [] {
                        test::run_processes(2, [](Communicator& processes) {
                          processes.sum(ones({2}, {DType::float32, local_device(processes)}));
                        });
                      });
#endif
}

TEST(CudaFaultsDeathTest, AMachineWithoutADeviceSaysSo) {
  expect_device_error("STANDIN_DEVICES", "0", "no CUDA device", [] {
    ones({2}, {DType::float32, kGpu});
  });
}

}  // namespace
}  // namespace tuco
