// What MPI's processes do together: run by mpirun, every process runs every test.
#include <gtest/gtest.h>

#include <cstdlib>
#include <thread>

#include "tests/support/temporary_folder.h"
#include "tuco/autograd/functions.h"
#include "tuco/core/communicator.h"
#include "tuco/core/error.h"
#include "tuco/core/parallel.h"

namespace tuco {
namespace {

using test::message_of;

/// The sum of the numbers of all ranks from 1 on.
double total() { return world().size() * (world().size() + 1) / 2; }
double mine() { return world().rank() + 1; }

TEST(MpiCommunicator, IsTheProcessesThatWereStarted) {
  EXPECT_EQ(world().size(), std::atoi(std::getenv("TUCO_EXPECTED_PROCESSES")));
  EXPECT_EQ(world().size(), launched_processes());
  const auto ranks = gather(world(), world().rank());
  ASSERT_EQ(static_cast<int>(ranks.size()), world().size());
  for (size_t i = 0; i < ranks.size(); ++i) EXPECT_EQ(ranks[i], static_cast<double>(i));
  EXPECT_EQ(&world(), &world());
  EXPECT_EQ(world().local_rank(), world().rank());  // on one machine
  EXPECT_EQ(world().duplicate()->local_rank(), world().rank());
}

TEST(MpiCommunicator, SumsEveryTypeAndSize) {
  for (const DType dtype : {DType::float32, DType::float64, DType::int32, DType::int64})
    for (const int64_t size : {0, 1, 7, 300'000}) {
      const Tensor x = full({size}, mine(), {dtype});
      const uint64_t version = x.storage()->version();
      world().sum(x);
      EXPECT_EQ(x.to(DType::float64).to_vector<double>(),
                std::vector<double>(static_cast<size_t>(size), total()));
      EXPECT_TRUE(world().size() == 1 || x.storage()->version() > version);
    }
}

TEST(MpiCommunicator, SumsViewsInPlace) {
  const Tensor whole = full({4, 3}, mine());
  world().sum(slice(whole, 0, 1, 3));
  const auto one = static_cast<float>(mine()), all = static_cast<float>(total());
  EXPECT_EQ(whole.to_vector<float>(),
            (std::vector<float>{one, one, one, all, all, all, all, all, all, one, one, one}));
}

TEST(MpiCommunicator, ManySumsAreOnTheirWayAtOnce) {
  std::vector<Tensor> tensors;
  std::vector<std::unique_ptr<Communicator::Pending>> pending;
  for (int i = 0; i < 20; ++i) {
    tensors.push_back(full({100 * (i + 1)}, mine() * (i + 1)));
    pending.push_back(world().start_sum(tensors.back()));
  }
  while (!pending[3]->test()) {
  }
  EXPECT_TRUE(pending[3]->test());
  for (int i = 19; i >= 0; --i) pending[static_cast<size_t>(i)]->wait();
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(tensors[static_cast<size_t>(i)].to_vector<float>(),
              std::vector<float>(static_cast<size_t>(100 * (i + 1)),
                                 static_cast<float>(total() * (i + 1))));
}

TEST(MpiCommunicator, GroupsKeepOrdersOfTheirOwn) {
  const auto first = world().duplicate(), second = world().duplicate();
  EXPECT_EQ(first->rank(), world().rank());
  const Tensor a = full({3}, mine()), b = full({3}, 10 * mine());
  const bool turned = world().rank() == 0;
  auto one = turned ? second->start_sum(b) : first->start_sum(a);
  auto other = turned ? first->start_sum(a) : second->start_sum(b);
  one->wait();
  other->wait();
  EXPECT_EQ(a.to_vector<float>(), std::vector<float>(3, static_cast<float>(total())));
  EXPECT_EQ(b.to_vector<float>(), std::vector<float>(3, static_cast<float>(10 * total())));
}

TEST(MpiCommunicator, BroadcastsFromAnyProcess) {
  for (int root = 0; root < world().size(); ++root) {
    const Tensor bytes = full({5}, mine(), {DType::int8}), wide = full({2}, mine(), {DType::int64});
    world().broadcast(bytes, root);
    world().broadcast(wide, root);
    EXPECT_EQ(bytes.to_vector<int8_t>(), std::vector<int8_t>(5, static_cast<int8_t>(root + 1)));
    EXPECT_EQ(wide.to_vector<int64_t>(), std::vector<int64_t>(2, root + 1));
  }
}

TEST(MpiCommunicator, GathersBytesOfAnyLength) {
  const auto all = world().gather(std::string(static_cast<size_t>(world().rank()) * 1000, 'x'));
  ASSERT_EQ(static_cast<int>(all.size()), world().size());
  for (size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i], std::string(i * 1000, 'x'));
  EXPECT_TRUE(any(world(), world().rank() == world().size() - 1));
  EXPECT_FALSE(any(world(), false));
  world().barrier();
}

TEST(MpiCommunicator, RefusesWhatItCannotSend) {
  EXPECT_EQ(message_of<DTypeError>([] { world().sum(ones({2}, {DType::int8})); }),
            "sum over processes: the tensor is int8, expected float32, float64, int32 or int64");
  const Tensor turned = permute(ones({2, 3}), {1, 0});
  EXPECT_EQ(message_of<Error>([&] { world().sum(turned); }),
            "sum over processes: the tensor of shape (3, 2) and strides (1, 3) is not dense");
  EXPECT_EQ(message_of<Error>([&] { world().broadcast(turned); }),
            "broadcast: the tensor of shape (3, 2) and strides (1, 3) is not dense");
  EXPECT_EQ(message_of<Error>([] { world().broadcast(ones({1}), world().size()); }),
            fmt::format("broadcast: from process {0} of {0}", world().size()));
}

TEST(MpiCommunicator, ErrorsOfMpiAreThrown) {
  // More bytes come than there is room for; a third process would wait for the one that failed.
  if (world().size() != 2) GTEST_SKIP() << "of two processes alone";
  const auto group = world().duplicate();
  const std::string text =
      message_of<Error>([&] { group->broadcast(ones({world().rank() == 0 ? 64 : 8})); });
  if (world().rank() > 0) {
    EXPECT_TRUE(text.starts_with("MPI: broadcast: ")) << text;
    EXPECT_NE(text.find("truncated"), std::string::npos) << text;
  }
  world().barrier();
}

TEST(MpiCommunicator, SharesTheCores) {
  // Started without binding, all processes may run on all cores of the machine.
  if (std::getenv("TUCO_NUM_THREADS")) GTEST_SKIP() << "TUCO_NUM_THREADS is set";
  const int cores = static_cast<int>(std::thread::hardware_concurrency());
  EXPECT_LE(num_threads() * world().size(), std::max(cores, world().size()));
  EXPECT_GE(num_threads(), 1);
}

}  // namespace
}  // namespace tuco
