// What several processes do in a training, as threads of this program; with MPI it is done in
// mpi_test.bash.
#include "tuco/optimizers/data_parallel.h"

#include <gtest/gtest.h>

#include <optional>

#include "tests/support/temporary_folder.h"
#include "tests/support/thread_processes.h"
#include "tuco/autograd/functions.h"
#include "tuco/autograd/grad_mode.h"
#include "tuco/core/error.h"
#include "tuco/core/ops/custom.h"
#include "tuco/core/rng.h"
#include "tuco/layers/activation.h"
#include "tuco/layers/batch_norm.h"
#include "tuco/layers/conv2d.h"
#include "tuco/layers/linear.h"
#include "tuco/layers/losses.h"
#include "tuco/layers/pool2d.h"
#include "tuco/layers/recompute.h"
#include "tuco/layers/sequential.h"
#include "tuco/optimizers/clip.h"
#include "tuco/optimizers/sgd.h"

namespace tuco {
namespace {

using test::message_of;
using test::run_processes;
using Values = std::vector<double>;

Values values_of(const NamedTensors& tensors) {
  Values result;
  for (const auto& [name, tensor] : tensors) {
    const auto part = tensor.detach().to(DType::float64).to_vector<double>();
    result.insert(result.end(), part.begin(), part.end());
  }
  return result;
}

void expect_near(const Values& a, const Values& b, double tolerance) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], tolerance) << i;
}

Sequential make_network() {
  return Sequential{Conv2d{{.in = 1, .out = 4, .kernel = 3}},
                    ReLU{},
                    MaxPool2d{2},
                    Conv2d{{.in = 4, .out = 6, .kernel = 3}},
                    ReLU{},
                    GlobalAvgPool{},
                    Linear{{.in = 6, .out = 3}}};
}

constexpr int64_t kBatch = 24;

/// The same batch for each step, in float64.
std::pair<Tensor, Tensor> batch_of(int64_t step) {
  Rng rng(static_cast<uint64_t>(step), 77);
  std::vector<int64_t> labels;
  for (int64_t i = 0; i < kBatch; ++i) labels.push_back(rng.below(3));
  return {randn({kBatch, 12, 12, 1}, rng).to(DType::float64), from_values(labels, {kBatch})};
}

/// The weights after some steps with `processes` processes, each with an equal part of the batch,
/// which it goes through in `pieces`.
Values train(const Module& net, Communicator& processes, int64_t bucket_bytes, int64_t pieces = 1,
             bool accumulate = false) {
  net.to(DType::float64);
  SGD sgd(net.parameters(), {.lr = 0.1, .momentum = 0.9, .nesterov = true, .weight_decay = 1e-3});
  DataParallel parallel(net.named_parameters(), net.buffers(),
                        {.bucket_bytes = bucket_bytes, .processes = &processes});
  const int64_t each = kBatch / processes.size() / pieces;
  for (int64_t step = 0; step < 5; ++step) {
    const auto [images, labels] = batch_of(step);
    sgd.zero_grad();
    for (int64_t piece = 0; piece < pieces; ++piece) {
      const int64_t first = (processes.rank() * pieces + piece) * each;
      const Tensor loss = cross_entropy(net(slice(images, 0, first, first + each)),
                                        slice(labels, 0, first, first + each)) /
                          static_cast<double>(pieces);
      std::optional<DataParallel::Accumulating> quiet;
      if (accumulate && piece + 1 < pieces) quiet.emplace(parallel);
      loss.backward();
    }
    clip_grad_norm(net.parameters(), 0.5);
    sgd.step();
  }
  parallel.check_equal();
  return values_of(net.named_parameters());
}

/// Weights of each process at the end, all from the weights of `start` at process 0.
std::vector<Values> train_apart(const Module& start, int count, int64_t bucket_bytes,
                                int64_t pieces = 1, bool accumulate = false) {
  std::vector<Values> result(static_cast<size_t>(count));
  run_processes(count, [&](Communicator& processes) {
    Module net = make_network();  // the other processes begin with weights of their own
    if (processes.rank() == 0) net.load_state(start.state());
    result[static_cast<size_t>(processes.rank())] =
        train(net, processes, bucket_bytes, pieces, accumulate);
  });
  return result;
}

TEST(DataParallel, SeveralProcessesTrainAsOneWithTheWholeBatch) {
  const Sequential start = make_network();
  const Values expected = train(start.clone(), world(), 1000);
  EXPECT_NE(expected, values_of(start.named_parameters()));
  for (const int count : {2, 3})
    for (const int64_t bucket_bytes : {1, 500, 1 << 20}) {
      const auto each = train_apart(start, count, bucket_bytes);
      for (const Values& weights : each) EXPECT_EQ(weights, each[0]);
      // Sums of a few terms in another order, in float64.
      expect_near(each[0], expected, 1e-13);
    }
}

TEST(DataParallel, GradientsOfSeveralBackwardsAddUp) {
  const Sequential start = make_network();
  const Values expected = train(start.clone(), world(), 1000);
  expect_near(train(start.clone(), world(), 1000, 4), expected, 1e-13);
  for (const bool accumulate : {false, true}) {
    const auto each = train_apart(start, 2, 500, 4, accumulate);
    EXPECT_EQ(each[1], each[0]);
    expect_near(each[0], expected, 1e-13);
  }
}

TEST(DataParallel, BucketsSetOutWhileBackwardComputes) {
  run_processes(2, [](Communicator& processes) {
    const Sequential net = make_network();
    const auto count = [&](int64_t bucket_bytes, bool accumulate = false) {
      DataParallel parallel(net.named_parameters(), net.buffers(),
                            {.bucket_bytes = bucket_bytes, .processes = &processes});
      const auto [images, labels] = batch_of(0);
      std::optional<DataParallel::Accumulating> quiet;
      if (accumulate) quiet.emplace(parallel);
      cross_entropy(net(images.to(DType::float32)), labels).backward();
      const auto statistics = parallel.statistics();
      EXPECT_GE(statistics.waited, 0);
      return std::pair(statistics.buckets, statistics.overlapped);
    };
    // The first layer's two are the last that are computed, both by one op.
    EXPECT_EQ(count(1), std::pair(int64_t{6}, int64_t{4}));
    // Weight and bias of the last layer and the bias before it, the second weight, the others.
    EXPECT_EQ(count(4 * 216), std::pair(int64_t{3}, int64_t{2}));
    EXPECT_EQ(count(1 << 20), std::pair(int64_t{1}, int64_t{0}));
    EXPECT_EQ(count(1, true), std::pair(int64_t{0}, int64_t{0}));
  });
}

TEST(DataParallel, ParametersWithoutAGradientOnSomeProcesses) {
  run_processes(3, [](Communicator& processes) {
    const auto weight = [&](double value) { return full({2}, value).requires_grad_(); };
    const Tensor a = weight(1), b = weight(2), c = weight(3), d = weight(4);
    for (const int64_t bucket_bytes : {1, 1000}) {
      for (Tensor tensor : {a, b, c, d}) tensor.set_grad({});
      DataParallel parallel({{"a", a}, {"b", b}, {"c", c}, {"d", d}}, {},
                            {.bucket_bytes = bucket_bytes, .processes = &processes});
      // a on all processes, b on the last, c on the first, d on none.
      Tensor loss = sum(a) * 6;
      if (processes.rank() == 2) loss = loss + sum(b) * 3;
      if (processes.rank() == 0) loss = loss + sum(b * 0) + sum(c * 9);
      loss.backward();
      EXPECT_EQ(a.grad().to_vector<float>(), std::vector<float>(2, 6));
      EXPECT_EQ(b.grad().to_vector<float>(), std::vector<float>(2, 1));
      EXPECT_EQ(c.grad().to_vector<float>(), std::vector<float>(2, 3));
      EXPECT_FALSE(d.grad().defined());
    }
  });
}

TEST(DataParallel, GradientsOfAllTypesAndStrides) {
  run_processes(2, [](Communicator& processes) {
    const float factor = 1 + 2 * static_cast<float>(processes.rank());  // 2 on average
    const Tensor narrow = ones({2, 3}).requires_grad_();
    const Tensor wide = ones({2, 3}, {DType::float64}).requires_grad_();
    const Tensor nothing = zeros({0, 4}).requires_grad_(), one = ones({}).requires_grad_();
    Tensor turned = ones({2, 3}).requires_grad_(), spread = ones({2, 3}).requires_grad_();
    DataParallel parallel({{"narrow", narrow},
                           {"wide", wide},
                           {"nothing", nothing},
                           {"one", one},
                           {"turned", turned},
                           {"spread", spread}},
                          {}, {.processes = &processes});
    // Gradients that somebody set are there as well, and need not be dense.
    Tensor set = permute(from_values<float>({1, 2, 3, 4, 5, 6}, {3, 2}), {1, 0});
    set.mul_(factor);
    turned.set_grad(set);
    spread.set_grad(expand(full({1, 1}, factor), {2, 3}));
    ASSERT_FALSE(turned.grad().is_contiguous());
    const Tensor loss =
        sum(narrow * factor) + sum(wide).to(DType::float32) * factor + sum(nothing) + one * factor;
    loss.backward();
    EXPECT_EQ(narrow.grad().to_vector<float>(), std::vector<float>(6, 2));
    EXPECT_EQ(wide.grad().to_vector<double>(), std::vector<double>(6, 2));
    EXPECT_EQ(nothing.grad().shape(), Shape({0, 4}));
    EXPECT_EQ(one.grad().item(), 2);
    EXPECT_EQ(turned.grad().to_vector<float>(), (std::vector<float>{2, 6, 10, 4, 8, 12}));
    EXPECT_EQ(spread.grad().to_vector<float>(), std::vector<float>(6, 2));
    EXPECT_EQ(parallel.statistics().buckets, 3);  // as the types come
  });
}

TEST(DataParallel, WorksWithRecomputation) {
  run_processes(2, [](Communicator& processes) {
    const Sequential plain = make_network();
    const Sequential again{Recomputed{plain}};
    DataParallel parallel(again.named_parameters(), {},
                          {.bucket_bytes = 1, .processes = &processes});
    const auto [images, labels] = batch_of(processes.rank());
    const Tensor x = images.to(DType::float32);
    cross_entropy(again(x), labels).backward();
    std::vector<Tensor> gradients;
    for (const Tensor& parameter : plain.parameters()) {
      gradients.push_back(parameter.grad().clone());
      Tensor(parameter).set_grad({});
    }
    cross_entropy(plain(x), labels).backward();
    for (size_t i = 0; i < gradients.size(); ++i)
      EXPECT_EQ(plain.parameters()[i].grad().to_vector<float>(), gradients[i].to_vector<float>());
  });
}

TEST(DataParallel, AllBeginWithTheValuesOfProcess0) {
  std::vector<Values> before(3), after(3);
  run_processes(3, [&](Communicator& processes) {
    const auto rank = static_cast<size_t>(processes.rank());
    const Sequential net{Linear{{.in = 3, .out = 4}}, BatchNorm{4}};
    Tensor(net[1].as<BatchNorm>()->running_mean).fill_(static_cast<double>(rank) + 1);
    before[rank] = values_of(net.state());
    DataParallel parallel(net.named_parameters(), net.buffers(), {.processes = &processes});
    after[rank] = values_of(net.state());
    parallel.check_equal();
    for (const Tensor& parameter : net.parameters()) EXPECT_FALSE(parameter.grad().defined());
    // Running statistics go their own ways, until process 0's are given out again.
    Tensor(net[1].as<BatchNorm>()->running_mean).fill_(static_cast<double>(rank) + 5);
    parallel.broadcast_buffers();
    EXPECT_EQ(net[1].as<BatchNorm>()->running_mean->to_vector<float>(), std::vector<float>(4, 5));
  });
  EXPECT_NE(before[1], before[0]);
  for (const Values& values : after) EXPECT_EQ(values, before[0]);
}

/// What each of two processes says to the parameters and buffers that `tensors_of` its rank makes.
template <class Make>
std::vector<std::string> complaints(const Make& tensors_of, int64_t second_bucket = 100) {
  std::vector<std::string> result(2);
  run_processes(2, [&](Communicator& processes) {
    const int rank = processes.rank();
    const auto tensors = tensors_of(rank);
    result[static_cast<size_t>(rank)] = message_of<Error>([&] {
      DataParallel(tensors.first, tensors.second,
                   {.bucket_bytes = rank ? second_bucket : 100, .processes = &processes});
    });
  });
  EXPECT_EQ(result[0], result[1]);
  return result;
}

TEST(DataParallel, OtherModelsAreRefusedOnAllProcesses) {
  using Two = std::pair<NamedTensors, NamedTensors>;
  const auto leaf = [](const Shape& shape, DType dtype = DType::float32) {
    return zeros(shape, {dtype}).requires_grad_();
  };
  EXPECT_EQ(complaints([&](int rank) {
              return Two({{"a", leaf({2})}, {"b", leaf({3, 4 + rank})}}, {});
            })[1],
            "DataParallel: process 1 has parameter 'b' float32 (3, 5) on the CPU, process 0 "
            "parameter 'b' float32 (3, 4) on the CPU");
  EXPECT_EQ(complaints([&](int rank) {
              return Two({{"a", leaf({2})}}, {{rank ? "mean" : "sum", zeros({2})}});
            })[0],
            "DataParallel: process 1 has buffer 'mean' float32 (2,) on the CPU, process 0 buffer "
            "'sum' float32 (2,) on the CPU");
  EXPECT_EQ(
      complaints([&](int rank) {
        return Two({{"a", leaf({2}, rank ? DType::float64 : DType::float32)}}, {});
      })[0],
      "DataParallel: process 1 has parameter 'a' float64 (2,) on the CPU, process 0 parameter "
      "'a' float32 (2,) on the CPU");
  EXPECT_EQ(
      complaints([&](int rank) {
        NamedTensors some = {{"a", leaf({2})}};
        if (rank == 0) some.emplace_back("b", leaf({3}));
        return Two(some, {});
      })[0],
      "DataParallel: process 1 has buckets of 100 bytes, process 0 parameter 'b' float32 (3,) "
      "on the CPU");
  EXPECT_EQ(complaints(
                [&](int) {
                  return Two({{"a", leaf({2})}}, {});
                },
                200)[0],
            "DataParallel: process 1 has buckets of 200 bytes, process 0 buckets of 100 bytes");
  EXPECT_EQ(complaints([&](int) { return Two({{"a", leaf({2})}}, {}); })[0], "");
}

TEST(DataParallel, RefusesWhatItCannotTrain) {
  const Tensor a = ones({2}).requires_grad_();
  const auto message = [](const NamedTensors& parameters, const NamedTensors& buffers = {},
                          int64_t bytes = 100) {
    return message_of<Error>([&] { DataParallel(parameters, buffers, {.bucket_bytes = bytes}); });
  };
  EXPECT_EQ(message({{"a", a}}), "");
  EXPECT_EQ(message({}), "DataParallel: no parameters");
  EXPECT_EQ(message({{"a", a}}, {}, 0), "DataParallel: buckets of 0 bytes, expected at least 1");
  EXPECT_EQ(message({{"a", a}, {"b", ones({2})}}),
            "DataParallel: parameter 'b' does not require a gradient");
  EXPECT_EQ(message({{"a", a}, {"b", a}}), "DataParallel: parameter 'b' is there twice");
  const Tensor turned = permute(ones({2, 3}), {1, 0}).detach().requires_grad_();
  EXPECT_EQ(message({{"t", turned}}), "DataParallel: parameter 't' of shape (3, 2) is not dense");
  EXPECT_EQ(message({{"a", a}}, {{"t", turned.detach()}}),
            "DataParallel: buffer 't' of shape (3, 2) is not dense");
  const DataParallel first({{"a", a}});
  EXPECT_EQ(message({{"a", a}}), "DataParallel: parameter 'a' is in another DataParallel");
}

TEST(DataParallel, WeightsThatWentTheirOwnWaysAreFound) {
  std::vector<std::string> said(3);
  run_processes(3, [&](Communicator& processes) {
    Tensor a = ones({2}).requires_grad_(), b = ones({5}).requires_grad_();
    const DataParallel parallel({{"a", a}, {"b", b}}, {}, {.processes = &processes});
    parallel.check_equal();
    const NoGrad quiet;
    if (processes.rank() == 1) b.add_(full({5}, 1e-7));
    said[static_cast<size_t>(processes.rank())] =
        message_of<Error>([&] { parallel.check_equal(); });
  });
  for (const std::string& text : said)
    EXPECT_EQ(text, "DataParallel: the values of parameter 'b' differ between processes 1 and 0");
}

TEST(DataParallel, AfterAnExceptionInBackwardItSaysSo) {
  /// Throws in backward when told to.
  struct Fails : CustomOp {
    explicit Fails(bool f) : fails(f) {}
    std::string name() const override { return "fails"; }
    std::vector<TensorMeta> infer(std::span<const TensorMeta> inputs) const override {
      return {inputs[0]};
    }
    std::vector<Tensor> forward(std::span<const Tensor> inputs,
                                std::vector<Tensor>&) const override {
      return {inputs[0].detach() * 1};
    }
    std::vector<Tensor> backward(std::span<const Tensor>,
                                 std::span<const Tensor> gradients) const override {
      if (fails) fail<IoError>("no more");
      return {gradients[0]};
    }
    bool fails;
  };
  run_processes(2, [](Communicator& processes) {
    const Tensor a = ones({}).requires_grad_(), b = ones({}).requires_grad_();
    const auto loss = [&](bool fails) {
      return custom(std::make_shared<Fails>(fails), {a * 2})[0] * b;
    };
    const auto failed = [&] { loss(true).backward(); };
    {  // nothing was sent yet
      DataParallel parallel({{"a", a}, {"b", b}}, {}, {.processes = &processes});
      EXPECT_EQ(message_of<IoError>(failed), "no more");
      Tensor(b).set_grad({});
      loss(false).backward();
      EXPECT_EQ(a.grad().item(), 2);
    }
    DataParallel parallel({{"a", a}, {"b", b}}, {}, {.bucket_bytes = 1, .processes = &processes});
    EXPECT_EQ(message_of<IoError>(failed), "no more");  // b's gradient is on its way
    EXPECT_EQ(message_of<Error>([&] { loss(false).backward(); }),
              "DataParallel: the last backward() ended with an exception when gradients were on "
              "their way, so that the processes are out of step");
  });
}

TEST(DataParallel, ParametersThatStopBeingTrained) {
  run_processes(2, [](Communicator& processes) {
    Tensor a = ones({}).requires_grad_(), b = ones({}).requires_grad_();
    DataParallel parallel({{"a", a}, {"b", b}}, {}, {.processes = &processes});
    b.requires_grad_(false);
    EXPECT_EQ(message_of<Error>([&] { (a * b).backward(); }),
              "DataParallel: parameter 'b' does not require a gradient any more");
    // Made a leaf anew, nobody observes it.
    b.requires_grad_();
    EXPECT_EQ(message_of<Error>([&] { (a * b).backward(); }),
              "DataParallel: parameter 'b' does not require a gradient any more");
  });
}

TEST(DataParallel, TwoInOneBackwardKeepTheirOrder) {
  run_processes(2, [](Communicator& processes) {
    const Tensor a = ones({}).requires_grad_(), b = ones({2}).requires_grad_();
    const Tensor c = ones({3}).requires_grad_(), d = ones({4}).requires_grad_();
    const DataParallelOptions options = {.bucket_bytes = 1, .processes = &processes};
    DataParallel first({{"a", a}, {"b", b}}, {}, options),
        second({{"c", c}, {"d", d}}, {}, options);
    // Process 0 has no gradient of b, so its buckets of `first` set out at the end alone.
    Tensor loss = a + sum(c) + sum(d);
    if (processes.rank() == 1) loss = loss + sum(b);
    loss.backward();
    EXPECT_EQ(a.grad().item(), 1);
    EXPECT_EQ(b.grad().to_vector<float>(), std::vector<float>(2, 0.5f));
    EXPECT_EQ(c.grad().to_vector<float>(), std::vector<float>(3, 1));
    EXPECT_EQ(d.grad().to_vector<float>(), std::vector<float>(4, 1));
  });
}

TEST(DataParallel, AloneItDoesNothing) {
  EXPECT_EQ(world().size(), 1);
  const Sequential net = make_network();
  DataParallel parallel(net.named_parameters(), net.buffers());
  const auto [images, labels] = batch_of(0);
  cross_entropy(net(images.to(DType::float32)), labels).backward();
  const Sequential copy = net.clone();
  cross_entropy(copy(images.to(DType::float32)), labels).backward();
  for (size_t i = 0; i < net.parameters().size(); ++i)
    EXPECT_EQ(net.parameters()[i].grad().to_vector<float>(),
              copy.parameters()[i].grad().to_vector<float>());
  EXPECT_EQ(parallel.statistics().buckets, 0);
  parallel.check_equal();
}

}  // namespace
}  // namespace tuco
