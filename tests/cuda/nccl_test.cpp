// What several processes with a GPU each do together, as threads of this program: on two devices of
// the stand-in, and on a machine with two GPUs.
#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"
#include "tests/support/test_device.h"
#include "tests/support/thread_processes.h"
#include "tuco/autograd/grad_mode.h"
#include "tuco/core/backend.h"
#include "tuco/core/error.h"
#include "tuco/core/rng.h"
#include "tuco/tuco.h"

namespace tuco {
namespace {

using test::message_of;
using test::run_processes;
using Values = std::vector<double>;

/// As processes with GPUs of their own: nothing to test where there are too few of them.
struct Nccl : ::testing::Test {
  void SetUp() override {
    test::test_devices();
    if (device_count(Device::Kind::cuda) < 2) GTEST_SKIP() << "needs two GPUs";
    std::string why;
    run_processes(2, [&](Communicator& processes) {
      const std::string text = message_of<DeviceError>([&] {
        processes.broadcast(zeros({1}, {DType::float32, local_device(processes)}));
      });
      if (processes.rank() == 0) why = text;
    });
    if (why.find("has no NCCL") != std::string::npos) GTEST_SKIP() << why;
  }
};

Values values_of(const Tensor& tensor) {
  return tensor.detach().to(Device::cpu()).to(DType::float64).to_vector<double>();
}

TEST_F(Nccl, ProcessesHaveGpusOfTheirOwn) {
  run_processes(2, [](Communicator& processes) {
    EXPECT_EQ(local_device(processes), Device::cuda(processes.rank()));
  });
  EXPECT_EQ(local_device(), Device::cuda());
}

TEST_F(Nccl, SumsEveryTypeAndSize) {
  run_processes(2, [](Communicator& processes) {
    const Device device = local_device(processes);
    for (const DType dtype : {DType::float32, DType::float64, DType::int32, DType::int64})
      for (const int64_t size : {0, 1, 7, 5000}) {
        const Tensor x = full({size}, processes.rank() + 1, {dtype, device});
        const uint64_t version = x.storage()->version();
        processes.sum(x);
        EXPECT_EQ(values_of(x), Values(static_cast<size_t>(size), 3));
        EXPECT_GT(x.storage()->version(), version);
      }
    EXPECT_EQ(message_of<DTypeError>([&] {
                processes.sum(zeros({2}, {DType::int8, device}));
              }),
              "sum over processes: the tensor is int8, expected float32, float64, int32 or int64");
  });
}

TEST_F(Nccl, BroadcastsEveryTypeFromAnyProcess) {
  run_processes(2, [](Communicator& processes) {
    const Device device = local_device(processes);
    for (const DType dtype :
         {DType::float32, DType::float64, DType::int8, DType::uint8, DType::int32, DType::int64})
      for (const int root : {0, 1}) {
        const Tensor x = full({2, 3}, processes.rank() + 1, {dtype, device});
        processes.broadcast(x, root);
        EXPECT_EQ(values_of(x), Values(6, root + 1)) << size_of(dtype);
      }
    EXPECT_EQ(message_of<Error>([&] {
                processes.broadcast(zeros({2}, {DType::float32, device}), 2);
              }),
              "broadcast: from process 2 of 2");
  });
}

TEST_F(Nccl, SumsViewsInPlace) {
  run_processes(2, [](Communicator& processes) {
    const double mine = processes.rank() + 1;
    const Tensor whole = full({4, 3}, mine, {DType::float32, local_device(processes)});
    processes.sum(slice(whole, 0, 1, 3));
    Values expected(12, mine);
    std::fill_n(expected.begin() + 3, 6, 3);
    EXPECT_EQ(values_of(whole), expected);
  });
}

// Nothing here waits for the device until the end.
TEST_F(Nccl, SumsComeAfterWhatWasComputedAndBeforeWhatIsComputedThen) {
  run_processes(2, [](Communicator& processes) {
    const Device device = local_device(processes);
    Tensor x = full({1000}, processes.rank() + 1, {DType::float32, device});
    for (int step = 0; step < 4; ++step) {
      x = x * 2;
      const auto pending = processes.start_sum(x);
      const Tensor beside = full({1000}, 5, {DType::float32, device}) * 3;
      pending->wait();
      x = x + beside;
      const Tensor after = zeros({1000}, {DType::float32, device});  // in freed memory, perhaps
      x = x + after;
    }
    // 3 on average of what all have, and alike from the first sum on: 6 + 15 = 21; 4 x + 15 then.
    EXPECT_EQ(values_of(x), Values(1000, 4.0 * (4 * (4 * 21 + 15) + 15) + 15));
    // A broadcast, too.
    x = full({1000}, processes.rank() + 7, {DType::float32, device}) * 2;
    processes.broadcast(x, 1);
    EXPECT_EQ(values_of(x + 1), Values(1000, 17));
  });
}

TEST_F(Nccl, ManySumsAreOnTheirWayAtOnce) {
  run_processes(2, [](Communicator& processes) {
    std::vector<Tensor> tensors;
    std::vector<std::unique_ptr<Communicator::Pending>> pending;
    for (int i = 0; i < 20; ++i) {
      tensors.push_back(full({100 * (i + 1)}, (processes.rank() + 1) * (i + 1),
                             {DType::float32, local_device(processes)}));
      pending.push_back(processes.start_sum(tensors.back()));
    }
    while (!pending[3]->test()) {
    }
    EXPECT_TRUE(pending[3]->test());
    for (size_t i = 20; i-- > 0;) pending[i]->wait();
    for (size_t i = 0; i < 20; ++i)
      EXPECT_EQ(values_of(tensors[i]), Values(100 * (i + 1), 3.0 * static_cast<double>(i + 1)));
  });
}

TEST_F(Nccl, TwoProcessesOnOneGpuAreRefusedOnBoth) {
  std::vector<std::string> said(2);
  run_processes(2, [&](Communicator& processes) {
    said[static_cast<size_t>(processes.rank())] = message_of<DeviceError>([&] {
      processes.sum(zeros({2}, {DType::float32, Device::cuda()}));
    });
  });
  EXPECT_EQ(said[0],
            "processes 0 and 1 have the same GPU, expected one for each: local_device() gives "
            "them out");
  EXPECT_EQ(said[1], said[0]);
}

TEST_F(Nccl, OneProcessAloneNeedsNoConnection) {
  const Tensor x = full({3}, 2, {DType::float32, Device::cuda()});
  world().sum(x);
  world().broadcast(x);
  EXPECT_EQ(values_of(x), Values(3, 2));
}

// ---- DataParallel
// ---------------------------------------------------------------------------------
constexpr int64_t kBatch = 16;

Sequential make_network() {
  return Sequential{Conv2d{{.in = 1, .out = 3, .kernel = 3}},
                    ReLU{},
                    MaxPool2d{2},
                    Conv2d{{.in = 3, .out = 4, .kernel = 3}},
                    ReLU{},
                    GlobalAvgPool{},
                    Linear{{.in = 4, .out = 3}}};
}

/// The weights after some steps in float64, each process with an equal part of the batch.
Values train(const Module& net, Communicator& processes, Device device, int64_t bucket_bytes,
             int64_t pieces = 1) {
  net.to(DType::float64).to(device);
  SGD sgd(net.parameters(), {.lr = 0.1, .momentum = 0.9, .nesterov = true, .weight_decay = 1e-3});
  DataParallel parallel(net.named_parameters(), net.buffers(),
                        {.bucket_bytes = bucket_bytes, .processes = &processes});
  const int64_t each = kBatch / processes.size() / pieces;
  for (int64_t step = 0; step < 4; ++step) {
    Rng rng(static_cast<uint64_t>(step), 77);
    std::vector<int64_t> classes;
    for (int64_t i = 0; i < kBatch; ++i) classes.push_back(rng.below(3));
    const Tensor labels = from_values(classes, {kBatch}).to(device),
                 images = randn({kBatch, 9, 9, 1}, rng).to(DType::float64).to(device);
    sgd.zero_grad();
    for (int64_t piece = 0; piece < pieces; ++piece) {
      const int64_t first = (processes.rank() * pieces + piece) * each;
      std::optional<DataParallel::Accumulating> quiet;
      if (piece + 1 < pieces) quiet.emplace(parallel);
      (cross_entropy(net(slice(images, 0, first, first + each)),
                     slice(labels, 0, first, first + each)) /
       static_cast<double>(pieces))
          .backward();
    }
    clip_grad_norm(net.parameters(), 0.5);
    sgd.step();
  }
  parallel.check_equal();
  Values result;
  for (const Tensor& parameter : net.parameters()) {
    const Values part = values_of(parameter);
    result.insert(result.end(), part.begin(), part.end());
  }
  return result;
}

TEST_F(Nccl, TwoProcessesTrainAsOneWithTheWholeBatch) {
  const Sequential start = make_network();
  const Values expected = train(start.clone(), world(), Device::cuda(), 1000),
               on_cpu = train(start.clone(), world(), Device::cpu(), 1000);
  for (const int64_t pieces : {1, 2})
    for (const int64_t bucket_bytes : {1, 300, 1 << 20}) {
      SCOPED_TRACE(fmt::format("buckets of {} bytes, {} pieces", bucket_bytes, pieces));
      std::vector<Values> each(2);
      run_processes(2, [&](Communicator& processes) {
        Module net = make_network();  // process 1 begins with weights of its own
        if (processes.rank() == 0) net.load_state(start.state());
        each[static_cast<size_t>(processes.rank())] =
            train(net, processes, local_device(processes), bucket_bytes, pieces);
      });
      EXPECT_EQ(each[1], each[0]);
      ASSERT_EQ(each[0].size(), expected.size());
      // Sums of a few terms in another order.
      for (size_t i = 0; i < expected.size(); ++i) {
        ASSERT_NEAR(each[0][i], expected[i], 1e-13) << i;
        ASSERT_NEAR(each[0][i], on_cpu[i], 1e-12) << i;
      }
    }
}

TEST_F(Nccl, ParametersWithoutAGradientOnSomeProcesses) {
  run_processes(2, [](Communicator& processes) {
    const Device device = local_device(processes);
    const auto weight = [&](double value) {
      return full({2}, value, {DType::float32, device}).requires_grad_();
    };
    const Tensor a = weight(1), b = weight(2), c = weight(3), d = weight(4);
    for (const int64_t bucket_bytes : {1, 1000}) {
      for (Tensor tensor : {a, b, c, d}) tensor.set_grad({});
      DataParallel parallel({{"a", a}, {"b", b}, {"c", c}, {"d", d}}, {},
                            {.bucket_bytes = bucket_bytes, .processes = &processes});
      // a on both, b on the second, c on the first, d on neither.
      Tensor loss = sum(a) * 6;
      loss = processes.rank() == 1 ? loss + sum(b) * 4 : loss + sum(c * 8);
      loss.backward();
      EXPECT_EQ(values_of(a.grad()), Values(2, 6));
      EXPECT_EQ(values_of(b.grad()), Values(2, 2));
      EXPECT_EQ(values_of(c.grad()), Values(2, 4));
      EXPECT_FALSE(d.grad().defined());
    }
  });
}

TEST_F(Nccl, BatchNormsStatisticsAreGivenOut) {
  run_processes(2, [](Communicator& processes) {
    const Sequential net{Linear{{.in = 3, .out = 4}}, BatchNorm{4}};
    net.to(local_device(processes));
    DataParallel parallel(net.named_parameters(), net.buffers(), {.processes = &processes});
    Tensor(net[1].as<BatchNorm>()->running_mean).fill_(processes.rank() + 5);
    parallel.broadcast_buffers();
    EXPECT_EQ(values_of(net[1].as<BatchNorm>()->running_mean), Values(4, 5));
    // Weights that went their own ways are found.
    const NoGrad quiet;
    parallel.check_equal();
    if (processes.rank() == 1) Tensor(net.parameters()[0]).fill_(0.25);
    EXPECT_NE(
        message_of<Error>([&] { parallel.check_equal(); }).find("differ between processes 1 and 0"),
        std::string::npos);
  });
}

}  // namespace
}  // namespace tuco
