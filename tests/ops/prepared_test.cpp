// Backend::prepare: weights packed once, used through Workspace, give what unpacked ones give.
#include <gtest/gtest.h>

#include <thread>

#include "tests/ops/op_checks.h"
#include "tuco/autograd/functions.h"

namespace tuco::test {
namespace {

TEST(Prepared, LinearAgreesWithTheUnprepared) {
  for (const Device device : test_devices())
    for (const auto& [rows, in, out] : {std::array<int64_t, 3>{1, 1, 1}, {3, 5, 7}, {1, 64, 10},
                                        {33, 129, 65}, {0, 4, 4}, {7, 300, 257}})
      for (const bool bias : {false, true}) {
        SCOPED_TRACE(fmt::format("{} x {} x {}, bias {}, on {}", rows, in, out, bias, device));
        std::vector<Tensor> inputs = {spread({rows, in}, 1), spread({out, in}, 2)};
        if (bias) inputs.push_back(spread({out}, 3));
        for (Tensor& input : inputs) input = input.to(DType::float32).to(device);

        std::vector<Tensor> constants(inputs.size());
        constants[1] = inputs[1];
        const auto prepared = backend(device).prepare(op::Linear{}, constants);
        ASSERT_NE(prepared, nullptr);
        Workspace workspace(prepared.get());
        Outputs outputs = {full({rows, out}, NAN, {DType::float32, device})};
        // Even without the weight's own bytes: the packed ones are a copy.
        const std::vector<Tensor> given = [&] {
          auto list = inputs;
          list[1] = full(inputs[1].shape(), NAN, {DType::float32, device});
          return list;
        }();
        backend(device).run(op::Linear{}, given, outputs, workspace);
        expect_close(outputs[0], results(op::Linear{}, inputs)[0], 1e-6, "prepared product");
      }
}

TEST(Prepared, TakesWeightsOfAnyStrides) {
  const Tensor weight = transpose(spread({9, 6}, 1).to(DType::float32));  // (out, in) = (6, 9)
  const Tensor x = spread({4, 9}, 2).to(DType::float32);
  const auto prepared =
      backend(Device::cpu()).prepare(op::Linear{}, std::vector<Tensor>{Tensor(), weight});
  ASSERT_NE(prepared, nullptr);
  Workspace workspace(prepared.get());
  Outputs outputs = {empty({4, 6})};
  backend(Device::cpu()).run(op::Linear{}, std::vector<Tensor>{x, weight}, outputs, workspace);
  expect_close(outputs[0], linear(x, weight), 1e-6, "prepared product");
}

TEST(Prepared, ThreadsShareOne) {
  const Tensor weight = spread({40, 70}, 1).to(DType::float32);
  const Tensor x = spread({9, 70}, 2).to(DType::float32);
  const Tensor expected = linear(x, weight);
  const auto prepared =
      backend(Device::cpu()).prepare(op::Linear{}, std::vector<Tensor>{Tensor(), weight});
  std::vector<Outputs> outputs(4);
  std::vector<std::thread> threads;
  for (Outputs& mine : outputs)
    threads.emplace_back([&] {
      mine = {empty({9, 40})};
      Workspace workspace(prepared.get());
      backend(Device::cpu()).run(op::Linear{}, std::vector<Tensor>{x, weight}, mine, workspace);
    });
  for (auto& thread : threads) thread.join();
  for (const Outputs& mine : outputs) expect_close(mine[0], expected, 1e-6, "prepared product");
}

TEST(Prepared, IsNullWhereThereIsNothingToGain) {
  const std::vector<Tensor> none(2), wide = {Tensor(), spread({3, 3}, 1)};
  EXPECT_EQ(backend(Device::cpu()).prepare(op::Linear{}, none), nullptr);
  EXPECT_EQ(backend(Device::cpu()).prepare(op::Linear{}, wide), nullptr);  // float64: the oracle
  EXPECT_EQ(backend(Device::cpu()).prepare(op::Relu{}, std::vector<Tensor>(1)), nullptr);
}

}  // namespace
}  // namespace tuco::test
