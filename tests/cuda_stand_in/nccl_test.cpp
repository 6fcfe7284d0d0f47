// The stand-in's NCCL: ranks that are threads, and the mistakes that it has to find.
#include <nccl.h>

#include <atomic>
#include <thread>

#include "faults.h"
#include "kernels.h"
#include "settings.h"

namespace standin::test {
namespace {

struct Rank {
  int rank = 0;
  ncclComm_t comm = nullptr;
  cudaStream_t stream = nullptr;

  ncclResult_t state() const {
    ncclResult_t state = ncclSuccess;
    EXPECT_EQ(ncclCommGetAsyncError(comm, &state), ncclSuccess);
    return state;
  }
  /// Waits until the call that gave `status` is no longer in progress.
  ncclResult_t settled(ncclResult_t status) const {
    while (status == ncclInProgress) {
      std::this_thread::yield();
      status = state();
    }
    return status;
  }
  template <class T>
  ncclResult_t sum(T* x, std::size_t count, ncclDataType_t type) const {
    return settled(ncclAllReduce(x, x, count, type, ncclSum, comm, stream));
  }
};

/// Runs `body` as each of two ranks, on two devices. What a thread throws is given back by rank.
template <class Body>
std::vector<std::string> as_ranks(const Body& body, bool blocking = false, bool end = true) {
  ncclUniqueId id;
  EXPECT_EQ(ncclGetUniqueId(&id), ncclSuccess);
  std::vector<std::string> thrown(2);
  std::vector<std::thread> threads;
  for (int r = 0; r < 2; ++r)
    threads.emplace_back([&, r] {
      try {
        EXPECT_CUDA(cudaSetDevice(r));
        Rank rank{r, nullptr, new_stream()};
        ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
        config.blocking = blocking;
        ASSERT_EQ(rank.settled(ncclCommInitRankConfig(&rank.comm, 2, id, r, &config)), ncclSuccess);
        body(rank);
        if (end) {
          EXPECT_EQ(ncclCommDestroy(rank.comm), ncclSuccess);
        }
        EXPECT_CUDA(cudaStreamDestroy(rank.stream));
      } catch (const std::exception& error) {
        thrown[std::size_t(r)] = error.what();
      }
    });
  for (std::thread& thread : threads) thread.join();
  return thrown;
}

void expect_found(const std::vector<std::string>& thrown, const std::string& part) {
  EXPECT_TRUE(thrown[0].find(part) != std::string::npos ||
              thrown[1].find(part) != std::string::npos)
      << thrown[0] << "\n"
      << thrown[1];
}

template <class T>
void expect_sum(const Rank& rank, ncclDataType_t type) {
  T* x = upload(std::vector<T>{T(1 + rank.rank), T(10 * rank.rank), T(-3)});
  ASSERT_EQ(rank.sum(x, 3, type), ncclSuccess);
  EXPECT_CUDA(cudaStreamSynchronize(rank.stream));
  EXPECT_EQ(download(x, 3), (std::vector<T>{3, 10, -6}));
  EXPECT_CUDA(cudaFree(x));
}

TEST(Nccl, SumsAndBroadcasts) {
  for (const char* order : {"lazy", "eager", "random:4"})
    for (const bool blocking : {false, true}) {
      const RunOrder chosen(order);
      const auto thrown = as_ranks(
          [](const Rank& rank) {
            expect_sum<float>(rank, ncclFloat32);
            expect_sum<double>(rank, ncclFloat64);
            expect_sum<int>(rank, ncclInt32);
            expect_sum<std::int64_t>(rank, ncclInt64);
            for (const int root : {0, 1}) {
              char* x = upload(std::vector<char>{char(5 + rank.rank), 2});
              EXPECT_EQ(ncclBroadcast(x, x, 2, ncclInt8, root, rank.comm, rank.stream),
                        ncclSuccess);
              EXPECT_CUDA(cudaStreamSynchronize(rank.stream));
              EXPECT_EQ(download(x, 2), (std::vector<char>{char(5 + root), 2}));
              EXPECT_CUDA(cudaFree(x));
            }
          },
          blocking);
      EXPECT_EQ(thrown, std::vector<std::string>(2)) << order;
    }
}

TEST(Nccl, ASumTakesWhatTheStreamsOfAllRanksHaveComeTo) {
  for (const bool with_event : {true, false}) {
    const RunOrder lazy("lazy");
    std::atomic<int> wrong = 0;
    as_ranks([&](const Rank& rank) {
      const cudaStream_t other = new_stream();
      cudaEvent_t event = nullptr;
      EXPECT_CUDA(cudaEventCreate(&event));
      auto* x = device_memory<float>(4);
      launch(fill_kernel, 1, 4, 0, other, x, float(1 + rank.rank), 4);
      EXPECT_CUDA(cudaEventRecord(event, other));
      if (with_event) {
        EXPECT_CUDA(cudaStreamWaitEvent(rank.stream, event, 0));
      }
      EXPECT_EQ(rank.sum(x, 4, ncclFloat32), ncclSuccess);
      EXPECT_CUDA(cudaStreamSynchronize(rank.stream));
      if (download(x, 4) != std::vector<float>(4, 3)) ++wrong;
      EXPECT_CUDA(cudaStreamDestroy(other));
      EXPECT_CUDA(cudaEventDestroy(event));
    });
    EXPECT_EQ(wrong == 0, with_event);
  }
}

TEST(Nccl, TheFirstCallIsInTheStreamWhenItIsNoLongerInProgress) {
  as_ranks([](const Rank& rank) {
    auto* x = upload(std::vector<float>{1});
    EXPECT_EQ(ncclAllReduce(x, x, 1, ncclFloat32, ncclSum, rank.comm, rank.stream), ncclInProgress);
    EXPECT_EQ(ncclAllReduce(x, x, 1, ncclFloat32, ncclSum, rank.comm, rank.stream),
              ncclInvalidUsage);
    EXPECT_CUDA(cudaStreamSynchronize(rank.stream));
    EXPECT_EQ(download(x, 1)[0], 1);
    EXPECT_EQ(rank.settled(ncclInProgress), ncclSuccess);
    EXPECT_EQ(ncclAllReduce(x, x, 1, ncclFloat32, ncclSum, rank.comm, rank.stream), ncclSuccess);
    EXPECT_CUDA(cudaStreamSynchronize(rank.stream));
    EXPECT_EQ(download(x, 1)[0], 4);
  });
}

TEST(Nccl, CallsThatDifferBetweenRanks) {
  const auto found = [](const auto& call) { return as_ranks(call, true, false); };
  expect_found(found([](const Rank& rank) {
                 auto* x = device_memory<float>(4);
                 rank.sum(x, 3 + std::size_t(rank.rank), ncclFloat32);
               }),
               "another rank ncclAllReduce of ");
  expect_found(found([](const Rank& rank) {
                 auto* x = device_memory<float>(4);
                 rank.sum(x, 4, rank.rank ? ncclInt32 : ncclFloat32);
               }),
               "another rank ncclAllReduce of 4 of type ");
  expect_found(found([](const Rank& rank) {
                 auto* x = device_memory<float>(4);
                 ncclBroadcast(x, x, 4, ncclFloat32, rank.rank, rank.comm, rank.stream);
               }),
               "another rank ncclBroadcast of 4 of type 7 from ");
}

TEST(Nccl, BuffersAndStreamsThatDoNotFit) {
  as_ranks(
      [](const Rank& rank) {
        auto* x = device_memory<float>(4);
        EXPECT_MISTAKE(rank.sum(x, 5, ncclFloat32), "needs 20 bytes, its allocation has 16 left");
        float host[4] = {};
        EXPECT_MISTAKE(rank.sum(host, 4, ncclFloat32), "is a pointer of the host");
        EXPECT_CUDA(cudaSetDevice(1 - rank.rank));
        auto* far = device_memory<float>(4);
        EXPECT_MISTAKE(rank.sum(far, 4, ncclFloat32), "is memory of device");
        const cudaStream_t stream = new_stream();
        EXPECT_MISTAKE(ncclAllReduce(x, x, 4, ncclFloat32, ncclSum, rank.comm, stream),
                       "the stream is of device");
      },
      true, false);
}

TEST(Nccl, ARankThatNeverComesIsFound) {
  const Patience short_one(0.2);
  const auto thrown = as_ranks(
      [](const Rank& rank) {
        if (rank.rank == 1) return;
        auto* x = device_memory<float>(4);
        EXPECT_EQ(rank.sum(x, 4, ncclFloat32), ncclSuccess);
        EXPECT_EQ(cudaStreamQuery(rank.stream), cudaErrorNotReady);  // which does not wait
        cudaStreamSynchronize(rank.stream);
      },
      true, false);
  expect_found(thrown, "rank 0 waits in vain: 1 of 2 ranks came");
}

TEST(Nccl, AnAbortEndsWhatIsOnItsWayAndOthersHearOfIt) {
  std::atomic<bool> aborted = false;
  std::atomic<int> began = 0;
  const auto thrown = as_ranks(
      [&](const Rank& rank) {
        auto* x = upload(std::vector<float>{1});
        if (rank.rank == 0) {
          EXPECT_EQ(rank.sum(x, 1, ncclFloat32), ncclSuccess);
        }
        for (++began; began < 2;) std::this_thread::yield();
        if (rank.rank == 0) {
          while (!aborted) std::this_thread::yield();
          EXPECT_EQ(rank.state(), ncclRemoteError);
        }
        EXPECT_EQ(ncclCommAbort(rank.comm), ncclSuccess);
        aborted = true;
        EXPECT_CUDA(cudaStreamSynchronize(rank.stream));
        EXPECT_EQ(download(x, 1)[0], 1);
      },
      true, false);
  EXPECT_EQ(thrown, std::vector<std::string>(2));
}

TEST(Nccl, TwoRanksOnOneDeviceAreRefused) {
  ncclUniqueId id;
  EXPECT_EQ(ncclGetUniqueId(&id), ncclSuccess);
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;
  Rank a{0}, b{1};
  EXPECT_EQ(ncclCommInitRankConfig(&a.comm, 2, id, 0, &config), ncclInProgress);
  EXPECT_EQ(a.state(), ncclInProgress);
  EXPECT_EQ(ncclCommInitRankConfig(&b.comm, 2, id, 1, &config), ncclInProgress);
  EXPECT_EQ(a.state(), ncclInvalidUsage);
  EXPECT_EQ(b.state(), ncclInvalidUsage);
  EXPECT_STREQ(ncclGetLastError(a.comm), "ranks 0 and 1 are both on device 0");
  EXPECT_EQ(ncclCommAbort(a.comm), ncclSuccess);
  EXPECT_EQ(ncclCommAbort(b.comm), ncclSuccess);
  EXPECT_MISTAKE(ncclCommAbort(a.comm), "a communicator that is not alive");
}

TEST(Nccl, APlannedFailure) {
  ncclUniqueId id;
  const FailCall once("ncclGetUniqueId", ncclSystemError);
  EXPECT_EQ(ncclGetUniqueId(&id), ncclSystemError);
  EXPECT_EQ(ncclGetUniqueId(&id), ncclSuccess);
}

}  // namespace
}  // namespace standin::test
