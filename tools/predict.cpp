#include <fmt/format.h>

#include <numeric>

#include "tuco/autograd/functions.h"
#include "tuco/core/error.h"
#include "tuco/data/dataset.h"
#include "tuco/deploy/engine/context.h"
#include "tuco/deploy/engine/plan_file.h"
#include "tuco/tools/commands.h"

namespace tuco::tools {
namespace {

struct Predict {
  std::string model, device = "cpu";
  std::vector<std::string> pictures;
  int top = 1;

  void run() const {
    deploy::Context context(deploy::plan_of_file(model, {.device = Device::parse(device)}));
    const deploy::Plan& plan = context.plan();
    if (!plan.note().empty()) fmt::print(stderr, "tuco: {}: {}\n", model, plan.note());
    const auto& preprocessing = plan.preprocessing();
    require<Error>(preprocessing.has_value(), "{}: does not say how a picture becomes its input",
                   model);
    int failed = 0;
    for (const std::string& picture : pictures) {
      try {
        const Tensor input = data::read_input(picture, *preprocessing);
        print(picture, softmax(reshape(context(input), {-1})).to_vector<float>(),
              preprocessing->class_names);
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
  command->add_option("MODEL", options->model, "model with its graph (.safetensors, .tflite)")
      ->required();
  command->add_option("PICTURE", options->pictures, "JPEG or PNG files")->required();
  command->add_option("--device", options->device, "what computes: cpu or cuda");
  command->add_option("--top", options->top, "how many classes to show")
      ->check(CLI::PositiveNumber);
  command->callback([options] { options->run(); });
}

}  // namespace tuco::tools
