#include "tuco/layers/module.h"

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"
#include "tuco/autograd/functions.h"
#include "tuco/autograd/grad_mode.h"
#include "tuco/core/error.h"
#include "tuco/core/rng.h"
#include "tuco/layers/activation.h"
#include "tuco/layers/batch_norm.h"
#include "tuco/layers/conv2d.h"
#include "tuco/layers/dropout.h"
#include "tuco/layers/flatten.h"
#include "tuco/layers/linear.h"
#include "tuco/layers/pool2d.h"
#include "tuco/layers/residual.h"
#include "tuco/layers/sequential.h"

namespace tuco {
namespace {

using test::message_of;

// A module as a user writes it: the one of the header's example, with linear layers.
struct BlockBody : Module::Body {
  explicit BlockBody(int64_t features)
      : first(add("first", Linear{{.in = features, .out = features}})),
        second(add("second", Linear{{.in = features, .out = features}})),
        scale(add_parameter("scale", ones({features}))),
        calls(add_buffer("calls", zeros({}, {DType::int64}))) {}
  Tensor forward(const Tensor& x) override {
    Tensor(calls).copy_(calls + 1);
    return x + second(relu(first(x))) * scale;
  }
  Linear first, second;
  Parameter scale, calls;
};
using Block = ModuleOf<BlockBody>;

std::vector<double> values(const Tensor& tensor) {
  return tensor.to(DType::float64).to_vector<double>();
}

std::vector<std::string> names(const NamedTensors& tensors) {
  std::vector<std::string> result;
  for (const auto& [name, tensor] : tensors) result.push_back(name);
  return result;
}

Sequential small_net() {
  return Sequential{Linear{{.in = 4, .out = 8}}, Sequential{BatchNorm{8}, ReLU{}}, Block(8),
                    Linear{{.in = 8, .out = 3, .bias = false}}};
}

TEST(Module, NamesComeFromOneRegistration) {
  const Sequential net = small_net();
  EXPECT_EQ(
      names(net.state()),
      (std::vector<std::string>{"0.weight", "0.bias", "1.0.weight", "1.0.bias", "1.0.running_mean",
                                "1.0.running_var", "2.scale", "2.calls", "2.first.weight",
                                "2.first.bias", "2.second.weight", "2.second.bias", "3.weight"}));
  EXPECT_EQ(names(net.buffers()),
            (std::vector<std::string>{"1.0.running_mean", "1.0.running_var", "2.calls"}));
  EXPECT_EQ(net.parameters().size() + net.buffers().size(), net.state().size());
  EXPECT_EQ(net.count_parameters(), 40 + 16 + 8 + 2 * 72 + 24);
  for (const Tensor& parameter : net.parameters()) EXPECT_TRUE(parameter.requires_grad());
  for (const auto& [name, buffer] : net.buffers()) EXPECT_FALSE(buffer.requires_grad()) << name;
}

TEST(Module, PrintsAsATree) {
  EXPECT_EQ(small_net().to_string(),
            "Sequential(\n"
            "  0: Linear(4 -> 8)\n"
            "  1: Sequential(\n"
            "    0: BatchNorm(8)\n"
            "    1: ReLU()\n"
            "  )\n"
            "  2: Block(\n"
            "    first: Linear(8 -> 8)\n"
            "    second: Linear(8 -> 8)\n"
            "  )\n"
            "  3: Linear(8 -> 3, no bias)\n"
            ")");
  const Conv2d conv{{.in = 4,
                     .out = 8,
                     .kernel = {10, 4},
                     .stride = 2,
                     .padding = {4, 5, 1, 1},
                     .groups = 4,
                     .bias = false}};
  EXPECT_EQ(conv.to_string(),
            "Conv2d(4 -> 8, kernel (10, 4), stride 2, padding (4, 5, 1, 1), groups 4, no bias)");
  const Conv2d same{{.in = 1, .out = 1, .kernel = 3, .padding = Same{}}};
  EXPECT_EQ(same.to_string(), "Conv2d(1 -> 1, kernel 3, padding same)");
  const MaxPool2d pool{{.kernel = 3, .stride = 2, .padding = 1}};
  EXPECT_EQ(pool.to_string(), "MaxPool2d(3, stride 2, padding 1)");
  EXPECT_EQ(AvgPool2d{2}.to_string(), "AvgPool2d(2)");
}

TEST(Module, CopiesShareAndClonesDoNot) {
  const Sequential net = small_net();
  const Module shared = net;
  EXPECT_TRUE(shared.same(net));
  const Sequential copy = net.clone();
  EXPECT_FALSE(copy.same(net));
  const auto before = net.state(), after = copy.state();
  ASSERT_EQ(names(before), names(after));
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_NE(before[i].second.storage(), after[i].second.storage());
    EXPECT_EQ(values(before[i].second), values(after[i].second));
    EXPECT_EQ(before[i].second.requires_grad(), after[i].second.requires_grad());
  }
  // The members that a body computes with are the copies that it registered.
  const Block block = copy[2].as<Block>();
  EXPECT_EQ(block->first->weight->storage(), after[8].second.storage());
  EXPECT_TRUE(block->first.same(block.children()[0].second));
  EXPECT_EQ(block->scale->storage(), after[6].second.storage());
  {
    const NoGrad quiet;
    Tensor(block->scale).fill_(3);
    Tensor(block->first->bias).fill_(1);
  }
  EXPECT_EQ(net[2].as<Block>()->scale->to_vector<float>(), std::vector<float>(8, 1));
  const Tensor x = randn({5, 8});
  EXPECT_NE(block(x).to_vector<float>(), net[2](x).to_vector<float>());
}

TEST(Module, TiedModulesAreCountedAndClonedOnce) {
  const Linear tied{{.in = 4, .out = 4}};
  const Sequential net{tied, ReLU{}, tied};
  EXPECT_EQ(names(net.state()), (std::vector<std::string>{"0.weight", "0.bias"}));
  const Sequential copy = net.clone();
  EXPECT_TRUE(copy[0].same(copy[2]));
  EXPECT_FALSE(copy[0].same(net[0]));
}

TEST(Module, GradientsReachEveryParameter) {
  const Sequential net{Linear{{.in = 4, .out = 8}}, Block(8), Tanh{}, Linear{{.in = 8, .out = 1}}};
  sum(net(randn({6, 4}))).backward();
  for (const auto& [name, parameter] : net.named_parameters())
    EXPECT_TRUE(parameter.grad().defined()) << name;
}

TEST(Module, TrainAndEvalReachAll) {
  const Sequential net{Linear{{.in = 4, .out = 4}}, Residual{Sequential{Dropout{0.5}}}};
  EXPECT_TRUE(net.training());
  net.eval();
  for (const auto& [name, module] : net.modules()) EXPECT_FALSE(module.training()) << name;
  const Tensor x = randn({32, 4});
  EXPECT_EQ(net(x).to_vector<float>(), net(x).to_vector<float>());
  net.train();
  EXPECT_NE(net(x).to_vector<float>(), net(x).to_vector<float>());
}

TEST(Module, StateMovesBetweenNetworks) {
  manual_seed(1);
  const Sequential a = small_net(), b = small_net();
  a.eval();
  b.eval();
  const Tensor x = randn({7, 4});
  b.load_state(a.state());
  for (size_t i = 0; i < a.state().size(); ++i)
    EXPECT_EQ(values(a.state()[i].second), values(b.state()[i].second));
  EXPECT_NE(a.state()[0].second.storage(), b.state()[0].second.storage());
}

TEST(Module, LoadingNamesAllThatDoesNotFitAndChangesNothing) {
  const Linear layer{{.in = 2, .out = 3}};
  const auto before = layer->bias->to_vector<float>();
  EXPECT_EQ(message_of<Error>([&] {
              layer.load_state({{"bias", zeros({3})},
                                {"weight", zeros({3, 3})},
                                {"gamma", zeros({1})},
                                {"bias", zeros({3})}});
            }),
            "load_state of Linear: bias is there twice; weight has shape (3, 3), expected (3, 2); "
            "gamma is unexpected");
  EXPECT_EQ(message_of<Error>([&] {
              layer.load_state({{"bias", zeros({3}, {DType::float64})}});
            }),
            "load_state of Linear: weight (3, 2) is missing; bias is float64, expected float32");
  EXPECT_EQ(layer->bias->to_vector<float>(), before);
}

TEST(Module, ErrorsNameTheModule) {
  const Sequential net = small_net();
  const std::string text = message_of<ShapeError>([&] { net(ones({2, 5})); });
  EXPECT_TRUE(text.starts_with("0 (Linear): linear: ")) << text;
  const Sequential deep{Identity{}, Residual{Sequential{Linear{{.in = 5, .out = 6}}}}};
  EXPECT_TRUE(message_of<ShapeError>([&] { deep(ones({2, 5})); }).starts_with("1 (Residual): add"));
  EXPECT_TRUE(message_of<ShapeError>([&] {
                deep(ones({2, 4}));
              }).starts_with("1.body.0 (Linear): linear"));
  EXPECT_EQ(current_module_path(), "");
  try {
    net(ones({2, 5}));
    FAIL();
  } catch (const ShapeError& error) {
    EXPECT_FALSE(error.shapes.empty());
  }
}

TEST(Module, RegistrationIsChecked) {
  struct TwiceBody : Module::Body {
    explicit TwiceBody(const std::string& name) {
      add("a", Identity{});
      add(name, Identity{});
    }
  };
  EXPECT_THROW(ModuleOf<TwiceBody>{std::string("a")}, Error);
  EXPECT_THROW(ModuleOf<TwiceBody>{std::string("b.c")}, Error);
  EXPECT_THROW(ModuleOf<TwiceBody>{std::string("")}, Error);
  EXPECT_THROW(Residual{ResidualOptions{}}, Error);
  EXPECT_THROW(Module()(ones({1})), Error);
  EXPECT_THROW(Identity{}.as<Linear>(), Error);
  EXPECT_THROW(ModuleOf<TwiceBody>{std::string("b")}(ones({1})), UnsupportedOp);
  EXPECT_THROW((Conv2d{{.in = 3, .out = 4, .groups = 2}}), ShapeError);
  EXPECT_THROW((Linear{{.out = 4}}), ShapeError);
  EXPECT_THROW(Dropout{1.0}, Error);
}

TEST(Module, ChangesOfTypeKeepParametersOnTheTape) {
  const Sequential net{Linear{{.in = 4, .out = 4}}, Block(4)};
  net.to(DType::float64);
  const Tensor y = net(ones({2, 4}, {DType::float64}));
  EXPECT_EQ(y.dtype(), DType::float64);
  sum(y).backward();
  EXPECT_TRUE(net[1].as<Block>()->first->weight->grad().defined());
}

TEST(Module, SameSeedSameWeights) {
  manual_seed(7);
  const auto a = small_net().state();
  manual_seed(7);
  const auto b = small_net().state();
  for (size_t i = 0; i < a.size(); ++i)
    EXPECT_EQ(values(a[i].second), values(b[i].second)) << a[i].first;
  const auto c = small_net().state();
  EXPECT_NE(values(a[0].second), values(c[0].second));
}

}  // namespace
}  // namespace tuco
