#include "tuco/core/tensor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <thread>

#include "tests/support/temporary_folder.h"
#include "tuco/autograd/functions.h"
#include "tuco/core/backend.h"
#include "tuco/core/error.h"
#include "tuco/core/host_access.h"

namespace tuco {
namespace {

constexpr int64_t kHuge = int64_t{1} << 40;

TEST(Tensor, ScalarsAndEmptyTensors) {
  const Tensor scalar = full({}, 2.5);
  EXPECT_EQ(scalar.rank(), 0);
  EXPECT_EQ(scalar.numel(), 1);
  EXPECT_EQ(scalar.item(), 2.5f);
  EXPECT_EQ(scalar.item<int>(), 2);
  EXPECT_THROW(scalar.dim(0), ShapeError);
  EXPECT_EQ(scalar.clone().shape(), Shape());

  const Tensor none = zeros({3, 0, 2});
  EXPECT_EQ(none.numel(), 0);
  EXPECT_EQ(none.to_vector<float>(), std::vector<float>{});
  EXPECT_THROW(none.item(), ShapeError);
  EXPECT_EQ(none.clone().shape(), none.shape());
  EXPECT_EQ(none.to(DType::int64).dtype(), DType::int64);
  EXPECT_EQ((none + 1).shape(), none.shape());
  EXPECT_EQ((none + ones({3, 1, 1})).shape(), none.shape());
  EXPECT_EQ(sum(none).item(), 0);
  EXPECT_TRUE(std::isnan(mean(none).item()));
  EXPECT_THROW(max(none), ShapeError);
  EXPECT_EQ(matmul(ones({2, 0}), ones({0, 3})).to_vector<float>(), std::vector<float>(6, 0));
  EXPECT_EQ(concat({none, none}, 1).shape(), none.shape());
  EXPECT_EQ(zeros({0}).to_string(), "[]\nfloat32 (0,) on cpu");
}

TEST(Tensor, SizesThatCannotBeAreRefused) {
  EXPECT_THROW(empty({-1}), ShapeError);
  EXPECT_THROW(empty({kHuge, kHuge}), ShapeError);
  EXPECT_THROW(empty({kHuge, kHuge, kHuge, kHuge}), ShapeError);
  EXPECT_THROW(empty({int64_t{1} << 32, int64_t{1} << 32, 4}), ShapeError);
  EXPECT_EQ(empty({kHuge, 0}).numel(), 0);
  EXPECT_THROW(Shape({kHuge, kHuge}).numel(), ShapeError);
  EXPECT_EQ(Shape({kHuge, kHuge, 0}).numel(), 0);
  const Tensor one = ones({1});
  EXPECT_THROW(expand(one, {kHuge, kHuge}), ShapeError);
  EXPECT_THROW(expand(one, {-3}), ShapeError);
  EXPECT_THROW(reshape(one, {kHuge, kHuge, -1}), ShapeError);
  EXPECT_THROW(pad(one, {std::numeric_limits<int64_t>::max()}, {1}), ShapeError);
  EXPECT_THROW(arange(0, 1e300), ShapeError);
  EXPECT_THROW(arange(0, 1, std::nan("")), Error);
  EXPECT_THROW(arange(0, 1, 0), Error);
  // Views of it are free, and what would need its bytes says so.
  EXPECT_EQ(expand(one, {kHuge}).numel(), kHuge);
}

TEST(Tensor, UndefinedOnesThrow) {
  const Tensor none;
  EXPECT_THROW(none.shape(), Error);
  EXPECT_THROW(none.to_vector<float>(), Error);
  EXPECT_THROW(sum(none), Error);
  EXPECT_THROW(none + ones({1}), Error);
  EXPECT_THROW(ones({1}) + none, Error);
  EXPECT_THROW(concat({none}, 0), Error);
  EXPECT_THROW(none.backward(), Error);
  EXPECT_THROW(none.grad(), Error);
  EXPECT_THROW(ones({1}).copy_(none), Error);
  EXPECT_FALSE(none.requires_grad());
  EXPECT_EQ(none.to_string(), "undefined");
}

TEST(Tensor, HostReadsAreChecked) {
  const Tensor x = ones({2});
  EXPECT_THROW(x.data<double>(), DTypeError);
  EXPECT_THROW(x.to_vector<int32_t>(), DTypeError);
  ForbidHostAccess tracing;
  EXPECT_THROW(x.data<float>(), Error);
  EXPECT_THROW(x.item(), Error);
  EXPECT_THROW(x.to_vector<float>(), Error);
}

TEST(Tensor, DevicesThatAreNotThereAreNamed) {
  const auto message = test::message_of<DeviceError>([] { zeros({1}, {.device = Device::cuda(7)}); });
  EXPECT_NE(message.find("cuda:7"), std::string::npos) << message;
}

TEST(Tensor, FillsSaturateAsCastsDo) {
  EXPECT_EQ(full({1}, 300, {DType::uint8}).to_vector<uint8_t>()[0], 255);
  EXPECT_EQ(full({1}, -1e30, {DType::int32}).to_vector<int32_t>()[0],
            std::numeric_limits<int32_t>::min());
  EXPECT_EQ(full({1}, std::nan(""), {DType::int64}).to_vector<int64_t>()[0], 0);
  EXPECT_EQ(full({2}, 0.5, {DType::bool_}).to_vector<bool>()[0], true);
  EXPECT_EQ(arange(250, 260, 3, {DType::uint8}).to_vector<uint8_t>(),
            (std::vector<uint8_t>{250, 253, 255, 255}));
  EXPECT_EQ(pad(full({1}, 1, {DType::int8}), {1}, {0}, -1000).to_vector<int8_t>(),
            (std::vector<int8_t>{-128, 1}));
}

TEST(Tensor, IntegersTakeWholeConstantsThatFit) {
  const Tensor x = full({1}, 7, {DType::int32});
  EXPECT_THROW(x + 1e12, DTypeError);
  EXPECT_THROW(x * std::numeric_limits<double>::infinity(), DTypeError);
  EXPECT_THROW(x + 0.5, DTypeError);
  EXPECT_EQ((x.to(DType::int64) + 1e12).item<int64_t>(), 1000000000007);
  EXPECT_EQ(clamp(x, -1e12, 1e12).item<int>(), 7);
  EXPECT_EQ(relu6(x).item<int>(), 6);
  EXPECT_EQ(clamp(x, 9, std::numeric_limits<double>::infinity()).item<int>(), 9);
}

TEST(Tensor, ViewsOfViewsReachTheSameBytes) {
  Tensor x = zeros({3, 4});
  select(transpose(x), 0, 1).fill_(5);  // a column, through two views
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{0, 5, 0, 0, 0, 5, 0, 0, 0, 5, 0, 0}));
  squeeze(unsqueeze(slice(transpose(x), 1, 2, 3), 0), 0).fill_(1);
  EXPECT_EQ(select(x, 0, 2).to_vector<float>(), (std::vector<float>{1, 1, 1, 1}));
}

TEST(Tensor, ThreadsShareOne) {
  const Tensor weight = rand({64, 64});
  const auto expected = matmul(weight, weight).to_vector<float>();
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        const Tensor mine = weight;
        wrong += matmul(mine, transpose(transpose(mine))).to_vector<float>() != expected;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Workspace, ScratchIsAlignedAndFitsTheArenaOrNot) {
  alignas(64) std::byte arena[512 + 8];
  Workspace workspace(nullptr, std::span(arena).subspan(8));
  const auto address = [](void* p) { return reinterpret_cast<uintptr_t>(p); };
  for (const size_t bytes : {1, 64, 100, 5000, 64, 64, 1}) {
    void* block = workspace.scratch(bytes, Device::cpu());
    EXPECT_EQ(address(block) % 64, 0u);
    std::fill_n(static_cast<std::byte*>(block), bytes, std::byte{1});
  }
}

}  // namespace
}  // namespace tuco
