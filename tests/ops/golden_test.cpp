// The ops against PyTorch's numbers, frozen by tests/golden/make_ops_golden.py.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <map>

#include "tests/ops/op_checks.h"
#include "tuco/autograd/functions.h"
#include "tuco/core/safetensors.h"

namespace tuco::test {
namespace {

using In = const std::vector<Tensor>&;
using Function = std::function<Tensor(In)>;

Function convolution(const op::Conv2d& options) {
  return [options](In in) { return conv2d(in[0], in[1], in.size() > 2 ? in[2] : Tensor(), options); };
}
Function largest(const op::PoolWindow& window) {
  return [window](In in) { return max_pool2d(in[0], window); };
}
Function average(const op::PoolWindow& window) {
  return [window](In in) { return avg_pool2d(in[0], window); };
}

/// All hidden states, and behind them the last hidden and cell: (n, t + 2, u).
Tensor lstm_outputs(In in) {
  const LstmResult r = lstm(in[0], in[1], in[2], in[3], in[4], in[5]);
  return concat({r.y, unsqueeze(r.hidden, 1), unsqueeze(r.cell, 1)}, 1);
}

const std::map<std::string, Function>& functions() {
  static const std::map<std::string, Function> map = {
      {"add", [](In in) { return in[0] + in[1]; }},
      {"sub", [](In in) { return in[0] - in[1]; }},
      {"mul", [](In in) { return in[0] * in[1]; }},
      {"div", [](In in) { return in[0] / in[1]; }},
      {"maximum_ties", [](In in) { return maximum(in[0], in[1]); }},
      {"minimum_ties", [](In in) { return minimum(in[0], in[1]); }},
      {"where", [](In in) { return where(less(in[0], in[1]), in[0], in[1] * 2); }},
      {"pow", [](In in) { return pow(in[0], 1.7); }},
      {"abs", [](In in) { return abs(in[0]); }},
      {"exp", [](In in) { return exp(in[0]); }},
      {"log", [](In in) { return log(in[0]); }},
      {"sqrt", [](In in) { return sqrt(in[0]); }},
      {"tanh", [](In in) { return tanh(in[0]); }},
      {"sigmoid", [](In in) { return sigmoid(in[0]); }},
      {"relu", [](In in) { return relu(in[0]); }},
      {"relu6", [](In in) { return relu6(in[0]); }},
      {"leaky_relu", [](In in) { return leaky_relu(in[0], 0.2); }},
      {"hard_swish", [](In in) { return hard_swish(in[0]); }},
      {"elu", [](In in) { return elu(in[0]); }},
      {"prelu", [](In in) { return prelu(in[0], in[1]); }},
      {"resize_nearest",
       [](In in) {
         return resize_nearest(in[0], {.size = {7, 5}});
       }},
      {"resize_nearest_exact",
       [](In in) {
         return resize_nearest(in[0], {.size = {3, 8}, .half_pixel_centers = true});
       }},
      {"clamp", [](In in) { return clamp(in[0], -0.5, 0.75); }},
      {"sum",
       [](In in) {
         return sum(in[0], {0, 2});
       }},
      {"mean",
       [](In in) {
         return mean(in[0], {0, 2}, true);
       }},
      {"max_ties",
       [](In in) {
         return max(in[0], {0, 2});
       }},
      {"permute",
       [](In in) {
         return permute(in[0], {2, 0, 1});
       }},
      {"slice", [](In in) { return slice(in[0], 1, 1, 6, 2); }},
      {"expand",
       [](In in) {
         return expand(in[0], {2, 3, 4});
       }},
      {"concat", [](In in) { return concat(in, 1); }},
      {"pad",
       [](In in) {
         return pad(in[0], {1, 0}, {0, 2}, -1.5);
       }},
      {"matmul", [](In in) { return matmul(in[0], in[1]); }},
      {"linear", [](In in) { return linear(in[0], in[1], in[2]); }},
      {"conv2d", convolution({.padding = 1})},
      {"conv2d_uneven",
       convolution({.stride = {2, 3}, .dilation = {1, 2}, .padding = {1, 0, 2, 1}})},
      {"conv2d_point", convolution({.stride = 2})},
      {"conv2d_groups", convolution({.padding = 1, .groups = 2})},
      {"conv2d_depthwise", convolution({.stride = 2, .padding = {0, 1, 0, 1}, .groups = 5})},
      {"max_pool2d_ties", largest({.kernel = 3, .stride = 2, .padding = 1})},
      {"max_pool2d_ceil", largest({.kernel = 2, .stride = 2, .ceil_mode = true})},
      {"avg_pool2d", average({.kernel = 3, .stride = 2, .padding = 1})},
      {"avg_pool2d_include_pad",
       average({.kernel = 3, .stride = 2, .padding = 1, .count_include_pad = true})},
      {"avg_pool2d_ceil",
       average(
           {.kernel = 3, .stride = 2, .padding = 1, .ceil_mode = true, .count_include_pad = true})},
      {"avg_pool2d_ceil_exclude",
       average({.kernel = 3, .stride = 2, .padding = 1, .ceil_mode = true})},
      {"global_avg_pool2d", [](In in) { return global_avg_pool2d(in[0]); }},
      {"batch_norm", [](In in) { return batch_norm(in[0], in[1], in[2], in[3], in[4], 1e-3); }},
      {"batch_norm_train", [](In in) { return batch_norm_train(in[0], in[1], in[2], 1e-3).y; }},
      {"batch_norm_relu_pool",
       [](In in) { return batch_norm_relu_pool(in[0], in[1], in[2], 2, 1e-3).y; }},
      {"softmax", [](In in) { return softmax(in[0]); }},
      {"softmax_dim", [](In in) { return softmax(in[0], 1); }},
      {"log_softmax", [](In in) { return log_softmax(in[0]); }},
      {"lstm", lstm_outputs},
      {"lstm_one_sequence", lstm_outputs},
      {"lstm_shared_states", lstm_outputs},
  };
  return map;
}

const Safetensors& frozen() {
  static const Safetensors file =
      load_safetensors(std::string(TUCO_SOURCE_DIR) + "/tests/golden/ops.safetensors");
  return file;
}

class PyTorch : public testing::TestWithParam<std::string> {};

TEST_P(PyTorch, GivesTheSame) {
  const std::string& name = GetParam();
  const auto read = [&](const std::string& what) {
    const Tensor* tensor = frozen().find(name + "/" + what);
    return tensor ? *tensor : Tensor();
  };
  for (const Device device : test_devices())
    for (const auto& [dtype, tolerance] :
         {std::pair{DType::float64, 1e-12}, {DType::float32, 2e-5}}) {
      SCOPED_TRACE(fmt::format("{} on {}", dtype, device));
      std::vector<Tensor> inputs;
      for (int i = 0; read(fmt::format("in{}", i)).defined(); ++i)
        inputs.push_back(
            read(fmt::format("in{}", i)).to(dtype).to(device).clone().requires_grad_());
      ASSERT_FALSE(inputs.empty());
      const Tensor out = functions().at(name)(inputs);
      out.backward(read("seed").to(dtype).to(device));
      expect_close(out, read("out"), tolerance, "output");
      for (size_t i = 0; i < inputs.size(); ++i)
        expect_close(inputs[i].grad(), read(fmt::format("grad{}", i)), tolerance,
                     fmt::format("gradient {}", i));
    }
}

std::vector<std::string> names() {
  std::vector<std::string> list;
  for (const auto& [name, function] : functions()) list.push_back(name);
  return list;
}
INSTANTIATE_TEST_SUITE_P(Op, PyTorch, testing::ValuesIn(names()),
                         [](const auto& entry) { return entry.param; });

TEST(PyTorchFile, NoFrozenCaseIsLeftOut) {
  for (const auto& [name, tensor] : frozen().tensors)
    EXPECT_TRUE(functions().contains(name.substr(0, name.find('/')))) << name;
}

}  // namespace
}  // namespace tuco::test
