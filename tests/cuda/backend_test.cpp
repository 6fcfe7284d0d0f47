// The CUDA backend beside its kernels: memory, copies, several devices, what goes wrong. On a real
// device and on the stand-in.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <numeric>
#include <thread>

#include "tests/support/test_device.h"
#include "tuco/autograd/functions.h"
#include "tuco/core/backend.h"
#include "tuco/core/error.h"
#include "tuco/core/precision.h"
#include "tuco/core/rng.h"
#include "tuco/devices/caching_allocator.h"

namespace tuco {
namespace {

class Cuda : public testing::Test {
 protected:
  void SetUp() override {
    const auto devices = test::test_devices();
    if (devices.back().kind != Device::Kind::cuda) GTEST_SKIP() << "no CUDA device";
    device = devices.back();
  }
  TensorOptions here(DType dtype = DType::float32) const { return {dtype, device}; }
  Device device;
};

std::vector<float> counting(int64_t n) {
  std::vector<float> values(n);
  std::iota(values.begin(), values.end(), 0.f);
  return values;
}

TEST_F(Cuda, SaysWhatItIs) {
  EXPECT_NE(backend(device).processor().find("sm_"), std::string::npos);
}

TEST_F(Cuda, CopiesOfAnySizeComeBack) {
  for (const int64_t n : {0, 1, 3, 1000, 1 << 20, (9 << 20) / 4 * 3}) {
    const auto values = counting(n);
    const Tensor there = from_values(values, {n}).to(device);
    EXPECT_EQ(there.device(), device);
    EXPECT_EQ(there.to_vector<float>(), values) << n;
    EXPECT_EQ((there + 0).to(Device::cpu()).to_vector<float>(), values) << n;
  }
}

TEST_F(Cuda, ManyUploadsKeepTheirBytes) {
  // More than there are pinned buffers, none waited for.
  std::vector<Tensor> there;
  for (int i = 0; i < 40; ++i) there.push_back(full({5000}, i).to(device));
  for (int i = 0; i < 40; ++i) EXPECT_EQ(max(there[i]).item(), i);
}

TEST_F(Cuda, AnUploadBesideComputingArrives) {
  const auto values = counting(70000);
  for (int round = 0; round < 5; ++round) {
    Tensor x = empty({70000}, here());
    std::vector<float> source = values;
    const auto upload =
        backend(device).start_copy_from_host(x.raw(), source.data(), source.size() * sizeof(float));
    std::fill(source.begin(), source.end(), -1.f);  // may change at once
    const Tensor other = sum(ones({300, 300}, here()));
    upload->join();
    EXPECT_EQ((x * 2).to_vector<float>()[69999], 2 * 69999.f);
    EXPECT_EQ(other.item(), 90000);
  }
}

TEST_F(Cuda, AnUploadThatNobodyJoinsArrivesBeforeWhatFollows) {
  const auto values = counting(70000);
  for (int round = 0; round < 5; ++round) {
    Tensor x = full({70000}, -1, here());
    backend(device).start_copy_from_host(x.raw(), values.data(), 280000).reset();
    EXPECT_EQ((x * 2).to_vector<float>()[69999], 2 * 69999.f);
  }
}

TEST_F(Cuda, MemoryThatWasFreedMayBeWrittenAtOnce) {
  // What uses memory next comes after what used it last, also where a copy beside comes next.
  for (int round = 0; round < 20; ++round) {
    Tensor y;
    {
      const Tensor x = full({4000}, round, here());
      y = x * 2;
    }
    Tensor z = empty({4000}, here());
    const std::vector<float> other(4000, -5.f);
    const auto upload = backend(device).start_copy_from_host(z.raw(), other.data(), 16000);
    upload->join();
    EXPECT_EQ(y.to_vector<float>(), std::vector<float>(4000, 2.f * round));
    EXPECT_EQ(z.to_vector<float>(), other);
  }
}

TEST_F(Cuda, CopiesWithinMayOverlap) {
  const Tensor x = from_values(counting(1000), {1000}).to(device);
  backend(device).copy_within(static_cast<float*>(x.raw()) + 1, x.raw(), 900 * sizeof(float));
  auto expected = counting(1000);
  std::copy_backward(expected.begin(), expected.begin() + 900, expected.begin() + 901);
  EXPECT_EQ(x.to_vector<float>(), expected);
}

TEST_F(Cuda, CountsItsMemory) {
  const size_t before = memory_stats(device).current_bytes;
  reset_peak_memory(device);
  {
    const Tensor a = empty({1 << 18}, here());
    EXPECT_GE(memory_stats(device).current_bytes, before + (1 << 20));
  }
  EXPECT_EQ(memory_stats(device).current_bytes, before);
  EXPECT_GE(memory_stats(device).peak_bytes, before + (1 << 20));
  backend(device).release_cached_memory();
  EXPECT_EQ(memory_stats(device).cached_bytes, 0u);
}

TEST_F(Cuda, TooMuchMemoryIsAnErrorThatSaysHowMuch) {
  try {
    empty({int64_t{1} << 45}, here(DType::int8));
    FAIL() << "32 TiB of memory";
  } catch (const std::bad_alloc& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("out of memory"), std::string::npos) << text;
    EXPECT_NE(text.find("MiB asked for"), std::string::npos) << text;
  }
  EXPECT_EQ(sum(ones({10}, here())).item(), 10);  // and it goes on
}

TEST_F(Cuda, OperandsOfTwoDevicesAreAnError) {
  EXPECT_THROW(ones({2}, here()) + ones({2}), DeviceError);
  EXPECT_THROW(ones({2}, here()).data<float>(), DeviceError);
}

TEST_F(Cuda, AnIndexOutOfRangeIsAnErrorWhenTheDeviceIsWaitedFor) {
  const Tensor x = ones({2, 5}, here()), index = full({2, 1}, 7, here(DType::int64));
  const Tensor y = gather(x, 1, index);
  try {
    backend(device).synchronize();
    FAIL() << "nothing was noticed";
  } catch (const ShapeError& error) {
    EXPECT_NE(std::string(error.what()).find("index 7"), std::string::npos) << error.what();
  }
  EXPECT_EQ(sum(x).item(), 10);  // once
}

TEST_F(Cuda, RandomNumbersAreThoseOfTheCpu) {
  const auto draw = [&](Device where, auto&& function) {
    manual_seed(3);
    return function(TensorOptions{DType::float32, where}).to(Device::cpu());
  };
  const auto uniform = [](TensorOptions options) { return rand({1001}, options); };
  EXPECT_EQ(draw(device, uniform).template to_vector<float>(),
            draw(Device::cpu(), uniform).template to_vector<float>());
  const auto dropped = [](TensorOptions options) { return dropout(ones({1001}, options), 0.3); };
  EXPECT_EQ(draw(device, dropped).template to_vector<float>(),
            draw(Device::cpu(), dropped).template to_vector<float>());
  const auto normal = [](TensorOptions options) { return randn({1001}, options); };
  const auto a = draw(device, normal).template to_vector<float>(),
             b = draw(Device::cpu(), normal).template to_vector<float>();
  for (size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-5);
}

TEST_F(Cuda, ThreadsMayUseItTogether) {
  std::vector<std::thread> threads;
  std::vector<double> results(4);
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i) {
        const Tensor x = full({100, 7}, t, {DType::float32, device}).to(device);
        results[t] += sum(x * 2).item<double>();
      }
    });
  for (auto& thread : threads) thread.join();
  for (int t = 0; t < 4; ++t) EXPECT_EQ(results[t], 14000.0 * t);
}

TEST_F(Cuda, ASecondDeviceIsAnother) {
  const Device second = Device::cuda(1);
  try {
    backend(second);
  } catch (const DeviceError& error) {
    GTEST_SKIP() << error.what();
  }
  const Tensor a = full({3}, 2, here()), b = full({3}, 5, {DType::float32, second});
  EXPECT_THROW(a + b, DeviceError);
  EXPECT_EQ(sum(a.to(second) * b).item(), 30);
  EXPECT_EQ(sum(a * b.to(device)).item(), 30);
  // All that the first one does, while that is the thread's own.
  const auto values = counting(70000);
  Tensor x = empty({70000}, {DType::float32, second});
  backend(second).start_copy_from_host(x.raw(), values.data(), 280000)->join();
  EXPECT_EQ((x * 2).to_vector<float>()[69999], 2 * 69999.f);
  backend(second).copy_within(x.raw(), static_cast<float*>(x.raw()) + 1, 4);
  EXPECT_EQ(x.to_vector<float>()[0], 1);
  const Tensor m = ones({3, 5}, {DType::float32, second});
  EXPECT_EQ(sum(matmul(m, transpose(m, 0, 1))).item(), 45);
  const Tensor images = ones({1, 4, 4, 2}, {DType::float32, second});
  EXPECT_EQ(sum(conv2d(images, ones({3, 1, 1, 2}, {DType::float32, second}))).item(), 96);
  backend(second).synchronize();
  backend(second).release_cached_memory();
}

/// What follows a convolution's bias.
enum class Then { nothing, relu, addend_and_relu };

/// A convolution of random numbers on a device.
std::vector<float> convolve(const op::Conv2d& conv, int64_t batch, Then then, Device where) {
  Rng rng(5);
  const auto there = [&](const Shape& shape) { return randn(shape, rng).to(where); };
  const Tensor x = there({batch, 7, 7, 3}), w = there({4, 3, 3, 3}), bias = there({4});
  const Tensor y = conv2d(x, w, bias, conv);
  if (then == Then::nothing) return y.to_vector<float>();
  const Tensor addend = then == Then::relu ? Tensor() : there(y.shape());
  return conv2d_relu(x, w, bias, conv, addend).to_vector<float>();
}

TEST_F(Cuda, ConvolutionsThatDifferALittleAreKeptApart) {
  // Each after one that differs in a single number, so that a plan kept for that would do.
  const op::Conv2d plain{.padding = {1, 1, 1, 1}};
  struct Case {
    op::Conv2d conv;
    int64_t batch = 2;
    Then then = Then::nothing;
  };
  const Case cases[] = {{plain},
                        {{.padding = {1, 1, 0, 2}}},
                        {{.padding = {1, 1, 2, 0}}},
                        {{.padding = {0, 2, 1, 1}}},
                        {{.padding = {2, 0, 1, 1}}},
                        {{.padding = 2}},
                        {{.dilation = {2, 1}, .padding = {2, 2, 1, 1}}},
                        {{.dilation = {1, 2}, .padding = {1, 1, 2, 2}}},
                        {{.stride = {2, 1}, .padding = 1}},
                        {{.stride = {1, 2}, .padding = 1}},
                        // The rest of a division hides these from the size of the result.
                        {{.stride = {2, 1}, .padding = {2, 1, 1, 1}}},
                        {{.stride = {1, 2}, .padding = {1, 1, 2, 1}}},
                        {{.stride = 4, .padding = 1}},
                        {{.stride = 4, .dilation = {2, 1}, .padding = 1}},
                        {{.stride = 4, .dilation = {1, 2}, .padding = 1}},
                        {plain, 1},
                        {plain, 3},
                        {plain, 2, Then::relu},
                        {plain, 2, Then::addend_and_relu}};
  for (const Case& c : cases) {
    SCOPED_TRACE(fmt::format("padding {} {} {} {}, dilation {} {}, batch {}, then {}",
                             c.conv.padding.top, c.conv.padding.bottom, c.conv.padding.left,
                             c.conv.padding.right, c.conv.dilation.h, c.conv.dilation.w, c.batch,
                             static_cast<int>(c.then)));
    const auto got = convolve(c.conv, c.batch, c.then, device),
               expected = convolve(c.conv, c.batch, c.then, Device::cpu());
    ASSERT_EQ(got.size(), expected.size());
    for (size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], expected[i], 1e-4) << i;
  }
}

TEST_F(Cuda, ConvolutionsWithReluPassNanOn) {
  Tensor x = ones({1, 5, 5, 2});
  x.data<float>()[2 * (2 * 5 + 2)] = NAN;  // the middle
  for (const int64_t channels : {1, 4}) {
    const auto y = conv2d_relu(x.to(device), ones({channels, 3, 3, 2}, here()), {}, {.padding = 1})
                       .to_vector<float>();
    EXPECT_EQ(std::count_if(y.begin(), y.end(), [](float v) { return std::isnan(v); }),
              9 * channels);
  }
}

TEST_F(Cuda, ConvolutionsOfTheSameNumbersGiveTheSameBits) {
  Rng rng(3);
  const Tensor x = randn({7, 9, 8, 5}, rng).to(device), w = randn({6, 3, 3, 5}, rng).to(device),
               dy = randn({7, 9, 8, 6}, rng).to(device);
  std::vector<std::vector<float>> first;
  for (int round = 0; round < 3; ++round) {
    Tensor images = x.clone(), weight = w.clone();
    images.requires_grad_();
    weight.requires_grad_();
    sum(conv2d(images, weight, {}, {.padding = 1}) * dy).backward();
    const std::vector<std::vector<float>> got = {images.grad().to_vector<float>(),
                                                 weight.grad().to_vector<float>()};
    if (round == 0) first = got;
    EXPECT_EQ(got, first) << "in round " << round;
  }
}

TEST_F(Cuda, Tf32IsOnlyForThoseWhoAskForIt) {
  const float fine = 1 + std::ldexp(1.0f, -12);  // 1 in TF32
  const double exact = double{fine} * fine;
  const Tensor a = full({16, 16}, fine, here()), w = full({4, 1, 1, 4}, fine, here());
  const auto product = [&] { return max(matmul(a, a)).item<double>() / 16; };
  const auto convolution = [&](int64_t size) {
    return max(conv2d(full({1, size, 8, 4}, fine, here()), w)).item<double>() / 4;
  };
  EXPECT_NEAR(product(), exact, 1e-6);
  EXPECT_NEAR(convolution(8), exact, 1e-6);
  set_float32_precision(Float32Precision::tf32);
  const double rounded[] = {product(), convolution(8), convolution(9)};
  set_float32_precision(Float32Precision::full);
  // What a device without TF32 computes is as good.
  for (const double value : rounded) EXPECT_NEAR(value, 1, 1e-3);
  EXPECT_NEAR(product(), exact, 1e-6);
  EXPECT_NEAR(convolution(8), exact, 1e-6);
  EXPECT_NEAR(convolution(9), exact, 1e-6);  // for which TF32's plan was the first
}

TEST(CachingAllocator, ThatKeepsNothingAsksForTheVeryBytes) {
  // So a device, or a debugger of memory, sees what is written behind a tensor.
  struct Source final : MemorySource {
    void* map(size_t size) override {
      sizes.push_back(size);
      return ::operator new(size);
    }
    void unmap(void* block) noexcept override {
      ++unmapped;
      ::operator delete(block);
    }
    void throw_exhausted(size_t, const MemoryStats&) override { throw std::bad_alloc(); }
    std::vector<size_t> sizes;
    int unmapped = 0;
  } source;
  CachingAllocator passes(source, false), keeps(source);
  passes.free(passes.allocate(12), 12);
  EXPECT_EQ(source.unmapped, 1);
  EXPECT_EQ(passes.stats().current_bytes, 0u);
  EXPECT_EQ(passes.stats().peak_bytes, 12u);
  keeps.free(keeps.allocate(12), 12);
  EXPECT_EQ(source.unmapped, 1);
  EXPECT_EQ(source.sizes, (std::vector<size_t>{12, 512}));
}

TEST(CudaDevices, ThatAreNotThereAreErrors) {
  EXPECT_THROW(backend(Device::cuda(60)), DeviceError);
  EXPECT_THROW(backend(Device::cuda(-1)), DeviceError);
  EXPECT_THROW(backend(Device::cuda(1000)), DeviceError);
}

}  // namespace
}  // namespace tuco
