// Real photographs through a network: the exported C gives the interpreter's bytes on them as well,
// whose statistics are not those of random numbers. TUCO_MODEL may name a trained model (what
// cats_vs_dogs saved, or `tuco export`); without it the weights are random.
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/deploy/exported_c.h"
#include "tests/support/shared_data.h"
#include "tuco/autograd/functions.h"
#include "tuco/core/error.h"
#include "tuco/data/image_folder.h"
#include "tuco/deploy/graph_file.h"
#include "tuco/deploy/passes.h"
#include "tuco/deploy/trace.h"
#include "tuco/layers/activation.h"
#include "tuco/layers/batch_norm.h"
#include "tuco/layers/conv2d.h"
#include "tuco/layers/linear.h"
#include "tuco/layers/pool2d.h"
#include "tuco/layers/residual.h"
#include "tuco/layers/sequential.h"

namespace tuco::deploy {
namespace {

constexpr const char* kArchive = "data/cats-vs-dogs.tar";
constexpr const char* kCompile = "cc -std=c99 -O2 -Wall -Wextra -Werror -pedantic";

Sequential random_weights() {
  manual_seed(11);
  const auto conv = [](int64_t in, int64_t out) {
    return Conv2d{{.in = in, .out = out, .kernel = 3, .padding = 1, .bias = false}};
  };
  const Residual pair{Sequential{conv(16, 16), BatchNorm{16}, ReLU{}, conv(16, 16), BatchNorm{16}}};
  return {conv(3, 8),
          BatchNorm{8},
          ReLU{},
          MaxPool2d{2},
          conv(8, 16),
          BatchNorm{16},
          ReLU{},
          MaxPool2d{2},
          pair,
          GlobalMaxPool{},
          Linear{{.in = 16, .out = 2}}};
}

class Photos : public testing::Test {
 protected:
  void SetUp() override {
    archive_ = test::shared_data(kArchive);
    TUCO_NEEDS_SHARED(archive_, kArchive);
  }

  data::ImageFolder photos(const std::string& part, int64_t size) const {
    return data::ImageFolder(archive_ / part, {.size = size});
  }

  /// The model that TUCO_MODEL names, or random weights, quantized on photographs of the training
  /// part.
  QuantizedModel model() const {
    const char* path = std::getenv("TUCO_MODEL");
    if (path) {
      Graph graph = load_graph(path);
      if (is_quantized(graph)) return load_model(path);
      return quantized(graph);
    }
    const auto net = random_weights();
    net.eval();
    Graph graph = trace(net, empty({1, 64, 64, 3}) * 0);
    graph.preprocessing = photos("train", 64).preprocessing();
    return quantized(graph);
  }

  /// Compares the two on so many photographs of the test part, 100 at a time.
  void compare(int64_t count) const {
    const QuantizedModel network = model();
    const Shape input = network.graph.values[network.graph.inputs.at(0)].meta.shape;
    const auto test = photos("test", input[1]);
    ASSERT_LE(count, test.size());
    const Tensor images = test.sample(count);
    for (int64_t at = 0; at < count; at += 100) {
      SCOPED_TRACE(fmt::format("photographs from {}", at));
      test::expect_same_bytes(network, slice(images, 0, at, std::min(at + 100, count)), kCompile);
    }
  }

 private:
  QuantizedModel quantized(Graph& graph) const {
    optimize(graph);
    const int64_t size = graph.values[graph.inputs.at(0)].meta.shape[1];
    return quantize(graph, photos("train", size).sample(64));
  }

  std::filesystem::path archive_;
};

TEST_F(Photos, ExportedCEqualsTheInterpreterOnForty) { compare(40); }

using PhotosNightly = Photos;
TEST_F(PhotosNightly, ExportedCEqualsTheInterpreterOnAllOfTheTest) { compare(800); }

}  // namespace
}  // namespace tuco::deploy
