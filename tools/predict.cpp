#include <fmt/format.h>

#include <numeric>

#include "tuco/autograd/functions.h"
#include "tuco/core/error.h"
#include "tuco/data/dataset.h"
#include "tuco/deploy/graph_file.h"
#include "tuco/deploy/interpreter.h"
#include "tuco/deploy/run_graph.h"
#include "tuco/tools/commands.h"

namespace tuco::tools {
namespace {

struct Predict {
  std::string model;
  std::vector<std::string> pictures;
  int top = 1;

  void run() const {
    const Graph graph = deploy::load_graph(model);
    require<Error>(graph.preprocessing.has_value(),
                   "{}: does not say how a picture becomes its input", model);
    const bool quantized = deploy::is_quantized(graph);
    const auto as_integers = quantized ? deploy::load_model(model) : deploy::QuantizedModel{};
    int failed = 0;
    for (const std::string& picture : pictures) {
      try {
        const Tensor input = data::read_input(picture, *graph.preprocessing);
        const Tensor scores = quantized ? deploy::interpret_real(as_integers, input)
                                        : deploy::run_graph(graph, {input}).at(0);
        print(picture, softmax(reshape(scores, {-1})).to_vector<float>(),
              graph.preprocessing->class_names);
      } catch (const Error& error) {
        fmt::print(stderr, "tuco: {}\n", error.what());
        ++failed;
      }
    }
    require<Error>(failed == 0, "predict: {} of {} pictures could not be read", failed,
                   pictures.size());
  }

  void print(const std::string& picture, const std::vector<float>& shares,
             const std::vector<std::string>& names) const {
    std::vector<size_t> order(shares.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::ranges::stable_sort(order, std::greater{}, [&](size_t i) { return shares[i]; });
    order.resize(std::min<size_t>(order.size(), top));
    fmt::print("{}", picture);
    for (const size_t i : order)
      fmt::print("  {} {:.1f} %", i < names.size() ? names[i] : fmt::format("class {}", i),
                 100 * shares[i]);
    fmt::print("\n");
  }
};

}  // namespace

void add_predict(CLI::App& app) {
  auto options = std::make_shared<Predict>();
  CLI::App* command = app.add_subcommand("predict", "tell the classes of pictures");
  command->add_option("MODEL", options->model, "model with its graph (.safetensors)")->required();
  command->add_option("PICTURE", options->pictures, "JPEG or PNG files")->required();
  command->add_option("--top", options->top, "how many classes to show")
      ->check(CLI::PositiveNumber);
  command->callback([options] { options->run(); });
}

}  // namespace tuco::tools
