// What goes wrong between several GPUs, planned on the stand-in: an error on every process, and
// nobody waits for ever.
#ifdef TUCO_HAVE_NCCL
#include <gtest/gtest.h>

#include <cuda_stand_in/device.h>
#include <cuda_stand_in/faults.h>
#include <nccl.h>

#include <chrono>
#include <thread>

#include "tests/support/temporary_folder.h"
#include "tests/support/thread_processes.h"
#include "tuco/autograd/functions.h"
#include "tuco/core/communicator.h"
#include "tuco/core/error.h"
#include "tuco/optimizers/data_parallel.h"

namespace tuco {
namespace {

using test::message_of;
using test::run_processes;

Tensor on_gpu(const Communicator& processes, double value) {
  return full({4}, value, {DType::float32, local_device(processes)});
}

/// What each of two processes says that does `what`.
template <class Body>
std::vector<std::string> said(const Body& what) {
  std::vector<std::string> result(2);
  run_processes(2, [&](Communicator& processes) {
    result[static_cast<size_t>(processes.rank())] = message_of<Error>([&] { what(processes); });
  });
  return result;
}

void expect_works() {
  run_processes(2, [](Communicator& processes) {
    const Tensor x = on_gpu(processes, 1);
    processes.sum(x);
    EXPECT_EQ(x.to_vector<float>(), std::vector<float>(4, 2));
  });
}

TEST(NcclFaults, WhatFailsAtOneProcessIsAnErrorOnAll) {
  {
    const standin::FailCall once("ncclGetUniqueId", ncclSystemError);
    const auto texts = said([](Communicator& processes) { processes.sum(on_gpu(processes, 1)); });
    EXPECT_EQ(texts[0],
              "the GPUs of 2 processes cannot be connected: process 0: NCCL: unhandled system "
              "error");
    EXPECT_EQ(texts[1], texts[0]);
  }
  {
    const standin::FailCall both("ncclCommInitRankConfig", ncclSystemError, 1, 2);
    const auto texts = said([](Communicator& processes) { processes.sum(on_gpu(processes, 1)); });
    for (size_t i = 0; i < 2; ++i)
      EXPECT_EQ(texts[i], fmt::format("NCCL: connecting GPUs, process {}: unhandled system error: "
                                      "planned by a test",
                                      i));
  }
  expect_works();
}

TEST(NcclFaults, ACallThatFailsIsAnErrorAndTheGroupIsOver) {
  const auto texts = said([&](Communicator& processes) {
    processes.sum(on_gpu(processes, 1));
    processes.barrier();
    if (processes.rank() == 0) {
      const standin::FailCall once("ncclAllReduce", ncclInternalError);
      const std::string first = message_of<CudaError>([&] { processes.sum(on_gpu(processes, 1)); });
      EXPECT_EQ(first, "NCCL: sum over processes, process 0: internal error: planned by a test");
      processes.sum(on_gpu(processes, 1));
    }
  });
  EXPECT_EQ(texts[0],
            "NCCL: sum over processes: process 0 gave this group up after an error or an "
            "unfinished sum");
  EXPECT_EQ(texts[1], "");
  expect_works();
}

TEST(NcclFaults, AnErrorThatComesLaterIsThrownByTestAndWait) {
  for (const bool test : {false, true}) {
    const auto texts = said([&](Communicator& processes) {
      const Tensor x = on_gpu(processes, 1);
      processes.sum(x);
      const auto pending = processes.start_sum(x);
      processes.barrier();
      if (processes.rank() == 0) {
        const standin::FailCall once("ncclCommGetAsyncError", ncclRemoteError);
        test ? static_cast<void>(pending->test()) : pending->wait();
      }
    });
    EXPECT_EQ(texts[0].find("NCCL: sum over processes, process 0: remote process exited"), 0)
        << texts[0];
  }
  expect_works();
}

TEST(NcclFaults, AProcessThatDiesEndsTheOthersWaiting) {
  const auto texts = said([&](Communicator& processes) {
    const auto group = processes.duplicate();
    group->sum(on_gpu(processes, 1));
    if (processes.rank() == 1) {
      const Tensor x = on_gpu(processes, 1);
      group->start_sum(x);  // dropped: the group is given up, and aborted at its end
      return;
    }
    // The first may still come about, the second does not.
    const auto first = group->start_sum(on_gpu(processes, 1)),
               second = group->start_sum(on_gpu(processes, 1));
    while (!second->test()) std::this_thread::yield();
  });
  EXPECT_EQ(texts[1], "");
  EXPECT_NE(texts[0].find("remote process exited"), std::string::npos) << texts[0];
  expect_works();
}

TEST(NcclFaults, AnExceptionInOneProcessReachesTheOther) {
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THROW(run_processes(2,
                             [](Communicator& processes) {
                               const auto group = processes.duplicate();
                               const Tensor x = on_gpu(processes, 1);
                               group->sum(x);
                               if (processes.rank() == 1) fail<IoError>("no more");
                               group->sum(x);
                               group->gather("");
                               x.to_vector<float>();
                             }),
               Error);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(8));
  expect_works();
}

TEST(NcclFaults, TheHostWaitsForNothing) {
  run_processes(2, [](Communicator& processes) {
    const Device device = local_device(processes);
    Tensor a = full({50}, 1, {DType::float32, device}).requires_grad_(),
           b = full({60}, 2, {DType::float32, device}).requires_grad_();
    DataParallel parallel({{"a", a}, {"b", b}}, {}, {.bucket_bytes = 1, .processes = &processes});
    const auto step = [&] {
      (sum(a * a) + sum(b * b)).backward();
      a.set_grad({});
      b.set_grad({});
    };
    step();  // the ranks are connected
    processes.barrier();
    const auto waits = [] {
      return standin::calls("cudaStreamSynchronize") + standin::calls("cudaEventSynchronize") +
             standin::calls("cudaDeviceSynchronize");
    };
    const auto before = waits();
    processes.barrier();
    step();
    step();
    processes.barrier();
    EXPECT_EQ(waits(), before);
    processes.barrier();
    EXPECT_EQ(parallel.statistics().buckets, 6);
  });
}

}  // namespace
}  // namespace tuco
#endif
