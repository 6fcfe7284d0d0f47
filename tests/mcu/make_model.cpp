// make_model FOLDER: writes an int8 model as FOLDER/model.c and model.h, as any program would, and
// as model.tuco with its loader, tuco_model.h, and inputs for it with the outputs that the
// reference interpreter gives, as model_cases.h and, their bytes alone, as inputs.bin and
// outputs.bin. bytes.json has the sizes of the model's constants.
#include <fmt/format.h>

#include <cstdio>

#include "tests/deploy/quantized.h"
#include "tuco/core/error.h"
#include "tuco/core/file.h"
#include "tuco/deploy/device_file.h"
#include "tuco/deploy/export_c.h"
#include "tuco/deploy/interpreter.h"

namespace tuco {
namespace {

constexpr int64_t kCases = 8;

std::string c_table(const std::string& name, const Tensor& values) {
  const int64_t columns = values.numel() / kCases;
  std::string text = fmt::format("static const int8_t {}[{}][{}] = {{", name, kCases, columns);
  const auto numbers = values.to_vector<int8_t>();
  for (size_t i = 0; i < numbers.size(); ++i) {
    const bool row = static_cast<int64_t>(i) % columns == 0;
    text += fmt::format("{}{},", row ? (i ? "},\n{" : "\n{") : i % 24 ? "" : "\n", numbers[i]);
  }
  return text + "}};\n";
}

std::string bytes_of(const Tensor& values) {
  const auto numbers = values.to_vector<int8_t>();
  return {numbers.begin(), numbers.end()};
}

void write(const std::string& folder) {
  const auto network = test::small_network();
  const auto model = test::quantized(network);
  const deploy::ConstantBytes constants = deploy::write_c(model, folder + "/model").constants;
  const uint32_t kernels = deploy::write_device_file(model, folder + "/model.tuco").kernels;
  write_file(folder + "/tuco_model.h", deploy::device_runtime(kernels));
  const Tensor inputs =
      deploy::quantize_values(test::random_images(network, kCases, 3),
                              *model.graph.values[model.graph.inputs.at(0)].quantization);
  const Tensor outputs = deploy::interpret(model, inputs);
  write_file(folder + "/inputs.bin", bytes_of(inputs));
  write_file(folder + "/outputs.bin", bytes_of(outputs));
  write_file(folder + "/bytes.json",
             fmt::format(R"({{"weights": {}, "biases": {}, "multipliers": {}}})", constants.weights,
                         constants.biases, constants.multipliers));
  write_file(folder + "/model_cases.h", fmt::format("enum {{ MODEL_CASES = {} }};\n{}{}", kCases,
                                                    c_table("model_case_inputs", inputs),
                                                    c_table("model_case_outputs", outputs)));
}

}  // namespace
}  // namespace tuco

int main(int count, char** arguments) try {
  tuco::require<tuco::Error>(count == 2, "usage: make_model FOLDER");
  tuco::write(arguments[1]);
} catch (const std::exception& error) {
  fmt::print(stderr, "make_model: {}\n", error.what());
  return 1;
}
