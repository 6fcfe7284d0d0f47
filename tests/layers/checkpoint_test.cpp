#include "tuco/layers/checkpoint.h"

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"
#include "tuco/core/error.h"
#include "tuco/core/rng.h"
#include "tuco/layers/batch_norm.h"
#include "tuco/layers/conv2d.h"
#include "tuco/layers/flatten.h"
#include "tuco/layers/linear.h"
#include "tuco/layers/sequential.h"
#include "tuco/layers/summary.h"

namespace tuco {
namespace {

using test::message_of;

Sequential network() {
  return Sequential{Conv2d{{.in = 2, .out = 3, .kernel = {3, 2}}}, BatchNorm{3}, Flatten{},
                    Linear{{.in = 12, .out = 2}}};
}

void expect_same_state(const Module& a, const Module& b) {
  const auto x = a.state(), y = b.state();
  ASSERT_EQ(x.size(), y.size());
  for (size_t i = 0; i < x.size(); ++i)
    EXPECT_EQ(x[i].second.to_vector<float>(), y[i].second.to_vector<float>()) << x[i].first;
}

TEST(Checkpoint, ComesBackBitForBitInBothLayouts) {
  const test::TemporaryFolder folder;
  const Sequential net = network();
  net(randn({5, 4, 3, 2}));  // moves the running statistics
  for (const bool torch_layout : {false, true}) {
    const std::string path = folder.path() / (torch_layout ? "torch" : "tuco");
    Preprocessing preprocessing;
    preprocessing.height = 4, preprocessing.width = 3, preprocessing.channels = 1;
    preprocessing.class_names = {"cat", "dog"};
    save(net, path,
         {.preprocessing = preprocessing,
          .metadata = {{"epochs", "3"}},
          .torch_layout = torch_layout});
    const Sequential other = network();
    const Metadata metadata = load(other, path);
    expect_same_state(net, other);
    EXPECT_EQ(metadata.at("epochs"), "3");
    EXPECT_EQ(metadata.at("tuco.layout"), torch_layout ? "OIHW" : "OHWI");
    EXPECT_EQ(preprocessing_from(metadata), preprocessing);
    const Tensor* weight = load_safetensors(path).find("0.weight");
    ASSERT_NE(weight, nullptr);
  }
  const Safetensors file = load_safetensors(folder.path() / "torch");
  const Tensor weight = *file.find("0.weight");
  EXPECT_EQ(weight.shape(), Shape({3, 2, 3, 2}));
  // (o, i, h, w) there is (o, h, w, i) here.
  EXPECT_EQ(weight.to_vector<float>()[((2 * 2 + 1) * 3 + 0) * 2 + 1],
            net[0].as<Conv2d>()->weight->to_vector<float>()[((2 * 3 + 0) * 2 + 1) * 2 + 1]);
}

TEST(Checkpoint, RefusesWhatDoesNotFit) {
  const test::TemporaryFolder folder;
  const Sequential net = network();
  const std::string path = folder.path() / "net.safetensors";
  EXPECT_THROW(save(net, path, {.metadata = {{"tuco.layout", "x"}}}), Error);
  EXPECT_THROW(load(net, path), IoError);
  save_safetensors(path, net.state());
  EXPECT_NE(message_of<FormatError>([&] { load(net, path); }).find("tuco.layout"),
            std::string::npos);
  save_safetensors(path, net.state(), {{"tuco.layout", "HWIO"}});
  EXPECT_THROW(load(net, path), FormatError);
  save(Sequential{net[0], net[1], net[2], Linear{{.in = 12, .out = 5}}}, path);
  const std::string text = message_of<Error>([&] { load(net, path); });
  EXPECT_TRUE(text.starts_with(path)) << text;
  EXPECT_NE(text.find("3.weight has shape (5, 12), expected (2, 12)"), std::string::npos) << text;
}

TEST(Checkpoint, PrefixesPutSeveralStatesInOneFile) {
  const NamedTensors state = {{"a", ones({1})}, {"b.c", ones({2})}};
  NamedTensors both = with_prefix("model", state);
  EXPECT_EQ(both[1].first, "model.b.c");
  both.emplace_back("models.d", ones({3}));
  const NamedTensors back = below_prefix("model", both);
  ASSERT_EQ(back.size(), 2u);
  EXPECT_EQ(back[1].first, "b.c");
}

TEST(Summary, CountsParametersAndProducts) {
  const Sequential net = network();
  net[1].eval();
  const Summary table = summary(net, {2, 4, 3, 2});
  ASSERT_EQ(table.rows.size(), 4u);
  EXPECT_EQ(table.rows[0].name, "0");
  EXPECT_EQ(table.rows[0].kind, "Conv2d");
  EXPECT_EQ(table.rows[0].output, Shape({2, 2, 2, 3}));
  EXPECT_EQ(table.rows[0].parameters, 39);
  EXPECT_EQ(table.rows[0].products, 2 * 2 * 2 * 3 * 12);
  EXPECT_EQ(table.rows[1].parameters, 6);
  EXPECT_EQ(table.rows[3].products, 2 * 2 * 12);
  EXPECT_EQ(table.parameters, net.count_parameters());
  EXPECT_EQ(table.products, 288 + 48);
  EXPECT_EQ(table.to_string(),
            "input (2, 4, 3, 2)\n"
            "layer          output          parameters         products\n"
            "0 (Conv2d)     (2, 2, 2, 3)            39              288\n"
            "1 (BatchNorm)  (2, 2, 2, 3)             6                0\n"
            "2 (Flatten)    (2, 12)                  0                0\n"
            "3 (Linear)     (2, 2)                  26               48\n"
            "total                                  71              336\n");
  // Modes are as before, and the running statistics were not touched.
  EXPECT_TRUE(net.training());
  EXPECT_TRUE(net[0].training());
  EXPECT_FALSE(net[1].training());
  EXPECT_EQ(net[1].as<BatchNorm>()->running_mean->to_vector<float>(), std::vector<float>(3, 0));
  EXPECT_THROW(summary(net, {2, 4, 3, 5}), ShapeError);
}

}  // namespace
}  // namespace tuco
