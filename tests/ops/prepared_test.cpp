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
        if (!prepared && device != Device::cpu()) continue;  // nothing to gain there
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

// One image size after another, since each may want the weights in another form.
TEST(Prepared, ConvolutionAgreesWithTheUnprepared) {
  struct Case {
    op::FusedConv2d op;
    Shape weight;
  };
  for (const Device device : test_devices())
    for (const auto& [op, weight_shape] :
         {Case{{{.padding = 1}, true, true}, {40, 3, 3, 24}}, Case{{{}, true, false}, {17, 1, 1, 9}},
          Case{{{.padding = 1, .groups = 20}, false, true, -1, 1}, {20, 3, 3, 1}},
          Case{{{.padding = 1, .groups = 8}, true, true}, {8, 3, 3, 1}},
          Case{{{.stride = 2, .padding = 3}, true, false}, {64, 7, 7, 3}},
          Case{{{.padding = 1, .groups = 2}, false, false}, {64, 3, 3, 5}}}) {
      const Tensor weight = spread(weight_shape, 2).to(DType::float32).to(device);
      const Tensor none = full(weight_shape, NAN, {DType::float32, device});
      const auto fused = backend(device).prepare(op, std::vector<Tensor>{Tensor(), weight});
      const auto plain = backend(device).prepare(op.conv, std::vector<Tensor>{Tensor(), weight});
      if (!fused && !plain && device != Device::cpu()) continue;  // nothing to gain there
      ASSERT_NE(fused, nullptr);
      ASSERT_NE(plain, nullptr);
      for (const auto& [batch, size] : {std::array<int64_t, 2>{1, 4}, {3, 4}, {1, 9}, {2, 33}, {0, 9}})
        for (int again = 0; again < 2; ++again) {
          const Shape images = {batch, size, size, weight_shape[3] * op.conv.groups};
          SCOPED_TRACE(fmt::format("{} of {}, weight {} on {}", to_string(op::Any(op)), images,
                                   weight_shape, device));
          std::vector<Tensor> inputs = {spread(images, 1), weight};
          if (op.bias) inputs.push_back(spread({weight_shape[0]}, 3));
          const WindowGeometry g = geometry(op.conv, images, weight_shape);
          const Shape result = {batch, g.out_h, g.out_w, g.out_c};
          if (op.addend) inputs.push_back(spread(result, 4));
          for (Tensor& input : inputs) input = input.to(DType::float32).to(device);
          auto given = inputs;
          given[1] = none;  // the weight is the constant's
          Outputs outputs = {full(result, NAN, {DType::float32, device})};
          Workspace workspace(fused.get());
          backend(device).run(op, given, outputs, workspace);
          expect_close(outputs[0], results(op, inputs)[0], 2e-5, "prepared fused convolution");

          const std::vector<Tensor> two(inputs.begin(), inputs.begin() + 2);
          outputs = {full(result, NAN, {DType::float32, device})};
          Workspace plain_workspace(plain.get());
          backend(device).run(op.conv, std::vector<Tensor>{two[0], none}, outputs, plain_workspace);
          expect_close(outputs[0], results(op.conv, two)[0], 2e-5, "prepared convolution");
        }
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
