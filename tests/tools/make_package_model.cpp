// make_package_model FOLDER: a small int8 model as FOLDER/net.safetensors, and the bytes that the
// reference interpreter gives for inputs that the packages' programs make themselves: zeros.txt for
// zeros, pattern.txt for the pattern of the bare-metal main.c. input.bin holds that pattern.
#include <fmt/format.h>

#include "tests/deploy/quantized.h"
#include "tuco/core/error.h"
#include "tuco/core/file.h"
#include "tuco/deploy/graph_file.h"
#include "tuco/deploy/interpreter.h"

namespace tuco {
namespace {

std::string output_text(const deploy::QuantizedModel& model, const std::vector<int8_t>& values) {
  Shape shape = model.graph.values[model.graph.inputs.at(0)].meta.shape;
  shape[0] = 1;
  const Tensor input = from_values(values, shape);
  std::string text;
  for (const int8_t value : deploy::interpret(model, input).to_vector<int8_t>())
    text += fmt::format("{}\n", value);
  return text;
}

void write(const std::string& folder) {
  const auto network = test::small_network();
  const auto model = test::quantized(network);
  deploy::save_model(folder + "/net.safetensors", model);
  const auto size = static_cast<size_t>(test::random_images(network, 1, 1).numel());
  std::vector<int8_t> pattern(size);
  for (size_t i = 0; i < size; ++i)
    pattern[i] = static_cast<int8_t>(static_cast<int>((i * 37 + 11) % 256) - 128);
  write_file(folder + "/zeros.txt", output_text(model, std::vector<int8_t>(size, 0)));
  write_file(folder + "/pattern.txt", output_text(model, pattern));
  write_file(folder + "/input.bin",
             std::string_view(reinterpret_cast<const char*>(pattern.data()), size));
}

}  // namespace
}  // namespace tuco

int main(int count, char** arguments) try {
  tuco::require<tuco::Error>(count == 2, "usage: make_package_model FOLDER");
  tuco::write(arguments[1]);
} catch (const std::exception& error) {
  fmt::print(stderr, "make_package_model: {}\n", error.what());
  return 1;
}
