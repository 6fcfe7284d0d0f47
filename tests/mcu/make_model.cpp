// make_model FOLDER [sequence]: writes an int8 model as FOLDER/model.c and model.h, as any program
// would, and as model.tuco with its loader, tuco_model.h, and inputs for it with the outputs that
// the reference interpreter gives, as model_cases.h and, their bytes alone, as inputs.bin and
// outputs.bin. bytes.json has the sizes of the model's constants. The model is a convolutional
// network, or, with "sequence", a recurrent one that goes on from input to input.
#include <fmt/format.h>

#include <cstdio>

#include "tests/deploy/quantized.h"
#include "tuco/autograd/functions.h"
#include "tuco/core/error.h"
#include "tuco/core/file.h"
#include "tuco/deploy/device_file.h"
#include "tuco/deploy/export_c.h"
#include "tuco/deploy/interpreter.h"
#include "tuco/deploy/states.h"

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

/// A model, and inputs, each for a run that goes on from the last one.
struct Case {
  deploy::QuantizedModel model;
  Tensor inputs;
};

/// The case of these real inputs.
Case with_inputs(const deploy::QuantizedModel& model, const Tensor& real) {
  const auto& quantization = model.graph.values[model.graph.inputs.at(0)].quantization;
  return {model, deploy::quantize_values(real, *quantization)};
}

Case images() {
  const auto network = test::small_network();
  return with_inputs(test::quantized(network), test::random_images(network, kCases, 3));
}

/// Two layers, whose sizes are and are not multiples of four.
Case sequence() {
  Rng rng(5);
  const auto random = [&](const Shape& shape) { return rand(shape, rng) * 2 - 1; };
  const auto layer = [&](int64_t in, int64_t units, double clip) {
    return [weight = random({4 * units, in}), recurrent = random({4 * units, units}),
            bias = random({4 * units}), state = zeros({1, units}), clip](const Tensor& x) {
      return lstm(x, weight, recurrent, bias, state, state, {clip}).y;
    };
  };
  const auto wide = layer(6, 8, 0), narrow = layer(8, 5, 0.5);
  const Tensor weight = random({4, 15});
  const std::function<Tensor(const Tensor&)> forward = [&](const Tensor& x) {
    return linear(reshape(narrow(wide(x)), {-1, 15}), weight);
  };
  const Tensor samples = random({64, 3, 6});
  Graph graph = deploy::trace(forward, contiguous(slice(samples, 0, 0, 1)));
  deploy::optimize(graph);
  deploy::carry_states(graph);
  return with_inputs(deploy::quantize(graph, samples), slice(samples, 0, 0, kCases));
}

void write(const std::string& folder, const Case& of) {
  const auto& [model, inputs] = of;
  const deploy::ConstantBytes constants = deploy::write_c(model, folder + "/model").constants;
  const uint32_t kernels = deploy::write_device_file(model, folder + "/model.tuco").kernels;
  write_file(folder + "/tuco_model.h", deploy::device_runtime(kernels));
  std::vector<Tensor> runs, states;
  for (int64_t run = 0; run < kCases; ++run)
    runs.push_back(
        deploy::interpret(model, contiguous(slice(inputs, 0, run, run + 1)), {}, &states));
  const Tensor outputs = concat(runs, 0);
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
  const bool sequence = count == 3 && std::string(arguments[2]) == "sequence";
  tuco::require<tuco::Error>(count == 2 || sequence, "usage: make_model FOLDER [sequence]");
  tuco::write(arguments[1], sequence ? tuco::sequence() : tuco::images());
} catch (const std::exception& error) {
  fmt::print(stderr, "make_model: {}\n", error.what());
  return 1;
}
