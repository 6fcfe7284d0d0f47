// The ops that write tensors which are there already, and those that draw numbers: they have no
// gradient and no samples in samples.h, and are run on the backend here.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/ops/op_checks.h"
#include "tuco/autograd/functions.h"
#include "tuco/core/error.h"
#include "tuco/core/rng.h"

namespace tuco::test {
namespace {

void run(const op::Any& op, const std::vector<Tensor>& inputs, std::vector<Tensor> outputs) {
  Workspace workspace;
  backend(outputs[0].device()).run(op, inputs, outputs, workspace);
}

TEST(Fill, CountsOrRepeatsInEveryType) {
  for (const Device device : test_devices()) {
    for (const DType dtype :
         {DType::float32, DType::float64, DType::int8, DType::uint8, DType::int32, DType::int64}) {
      SCOPED_TRACE(fmt::format("{} on {}", dtype, device));
      const Tensor y = empty({3, 5}, {dtype, device});
      run(op::Fill{2, 3}, {}, {y});
      expect_close(y, reshape(arange(2, 47, 3), {3, 5}), 0, "counting");
      run(op::Fill{7, 0}, {}, {slice(y, 1, 0, 5, 2)});
      EXPECT_EQ(sum(y.to(DType::float64)).item(), 9 * 7 + 5 + 11 + 20 + 26 + 35 + 41);
    }
  }
}

TEST(Random, FillsEveryElementAndRepeats) {
  for (const Device device : test_devices())
    for (const bool normal : {false, true})
      for (const DType dtype : {DType::float32, DType::float64}) {
        const op::Random op{normal, {3, 1, 5}, {{7, 9}, dtype, device}};
        const Tensor a = full({7, 9}, NAN, {dtype, device}), b = full({7, 9}, NAN, {dtype, device});
        run(op, {}, {a});
        run(op, {}, {b});
        expect_close(a, b, 0, "the same place of the stream");
        // The numbers of the generator, from block 5 on.
        Rng rng(3, 1);
        rng.set_position(20);
        std::vector<double> expected(63);
        for (size_t i = 0; i < expected.size() && !normal; ++i) expected[i] = rng.uniform();
        if (!normal) expect_close(a, from_values(expected, {7, 9}), 0, "Philox");
        const double average = mean(a).item();
        EXPECT_NEAR(average, normal ? 0 : 0.5, 0.4);
      }
}

TEST(Accumulate, AgreesWithArithmetic) {
  for (const Device device : test_devices())
    for (const DType dtype : {DType::float32, DType::float64}) {
      const auto on = [&](const Tensor& t) { return t.to(dtype).to(device).clone(); };
      const Tensor x = on(spread({4, 5}, 1)), y = on(spread({5, 4}, 2)), turned = transpose(y);
      const Tensor expected = turned * 0.25 + x * -1.5;
      run(op::Accumulate{-1.5, 0.25}, {x}, {turned});
      expect_close(turned, expected, dtype == DType::float32 ? 1e-6 : 1e-14, "strided sum");
    }
}

/// A step of an optimizer on three weights, in plain numbers.
template <class Step>
void expect_steps(const op::Any& op, size_t states, double float32_tolerance, Step&& step) {
  const std::vector<double> weight = {0.5, -1.25, 3}, gradient = {1, -0.5, 0.125};
  std::vector<std::vector<double>> expected = {weight};
  for (size_t s = 0; s < states; ++s) expected.push_back({0.25, 0.5, 0.0625});
  const auto start = expected;
  for (size_t i = 0; i < 3; ++i) {
    std::vector<double*> cells;
    for (auto& values : expected) cells.push_back(&values[i]);
    step(gradient[i], cells);
  }
  for (const Device device : test_devices())
    for (const DType dtype : {DType::float32, DType::float64}) {
      SCOPED_TRACE(fmt::format("{} {} on {}", to_string(op), dtype, device));
      std::vector<Tensor> outputs;
      for (const auto& values : start)
        outputs.push_back(from_values(values, {3}).to(dtype).to(device).clone());
      run(op, {from_values(gradient, {3}).to(dtype).to(device)}, outputs);
      for (size_t s = 0; s < outputs.size(); ++s)
        expect_close(outputs[s], from_values(expected[s], {3}),
                     dtype == DType::float32 ? float32_tolerance : 1e-14,
                     fmt::format("output {}", s));
    }
}

TEST(SgdStep, AgreesWithItsDefinition) {
  for (const op::SgdStep& op : {op::SgdStep{0.1, 0, 0, false}, op::SgdStep{0.1, 0.9, 0.01, false},
                                op::SgdStep{0.1, 0.9, 0.01, true}})
    expect_steps(op, 1, 1e-6, [&](double gradient, const std::vector<double*>& cells) {
      double &w = *cells[0], &velocity = *cells[1];
      const double d = gradient + op.weight_decay * w;
      velocity = op.momentum * velocity + d;
      w -= op.lr * (op.nesterov ? d + op.momentum * velocity : velocity);
    });
}

TEST(AdamWStep, AgreesWithItsDefinition) {
  for (const int64_t step : {1, 10})
    for (const double decay : {0.0, 0.1}) {
      const op::AdamWStep op{0.01, 0.9, 0.99, 1e-8, decay, step};
      expect_steps(op, 2, 1e-6, [&](double gradient, const std::vector<double*>& cells) {
        double &w = *cells[0], &m = *cells[1], &v = *cells[2];
        m = op.beta1 * m + (1 - op.beta1) * gradient;
        v = op.beta2 * v + (1 - op.beta2) * gradient * gradient;
        const double unbiased_m = m / (1 - std::pow(op.beta1, step));
        const double unbiased_v = v / (1 - std::pow(op.beta2, step));
        w -= op.lr * decay * w;
        w -= op.lr * unbiased_m / (std::sqrt(unbiased_v) + op.eps);
      });
    }
}

TEST(InPlaceOps, ChangeManyTensorsAtOnceAsOneByOne) {
  const std::vector<Shape> shapes = {{3}, {40, 1000}, {0}, {1}, {17, 5}, {300, 70}};
  for (const Device device : test_devices())
    for (const auto& [op, states] : {std::pair<op::Any, size_t>{op::Accumulate{0.5, 0.25}, 1},
                                     {op::SgdStep{0.1, 0.9, 0.01, true}, 2},
                                     {op::AdamWStep{0.01, 0.9, 0.99, 1e-8, 0.1, 3}, 3}}) {
      SCOPED_TRACE(to_string(op));
      std::vector<Tensor> gradients, all, alone;
      for (const Shape& shape : shapes)
        gradients.push_back(spread(shape, 1).to(DType::float32).to(device));
      for (size_t s = 0; s < states; ++s)
        for (const Shape& shape : shapes)
          for (auto* list : {&all, &alone})
            list->push_back(spread(shape, 2 + s, 0.1, 1).to(DType::float32).to(device).clone());
      run(op, gradients, all);
      for (size_t k = 0; k < shapes.size(); ++k) {
        std::vector<Tensor> outputs;
        for (size_t s = 0; s < states; ++s) outputs.push_back(alone[s * shapes.size() + k]);
        run(op, {gradients[k]}, outputs);
      }
      for (size_t i = 0; i < all.size(); ++i)
        EXPECT_EQ(all[i].to_vector<float>(), alone[i].to_vector<float>()) << i;
    }
}

TEST(InPlaceOps, RefuseOutputsWithGapsWhereTheirKernelTakesNone) {
  const Tensor weight = transpose(zeros({2, 3})), gradient = ones({3, 2});
  EXPECT_THROW(run(op::SgdStep{.lr = 1}, {gradient}, {weight, zeros({3, 2})}), Error);
  EXPECT_EQ(weight.to_vector<float>(), std::vector<float>(6, 0));
}

}  // namespace
}  // namespace tuco::test
