// write_random_models COUNT FOLDER [SEED]: COUNT random int8 models (random_models.h), SEED and
// those after it, as .tflite files, each with inputs and the reference interpreter's outputs for
// them; compare_tflite.py runs them elsewhere.
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "tests/deploy/random_models.h"
#include "tuco/core/error.h"
#include "tuco/core/file.h"
#include "tuco/deploy/export_tflite.h"
#include "tuco/deploy/interpreter.h"

namespace tuco {
namespace {

constexpr int64_t kInputs = 4;

void write_bytes(const std::string& path, const Tensor& tensor) {
  const auto values = tensor.to_vector<int8_t>();
  write_file(path, std::string_view(reinterpret_cast<const char*>(values.data()), values.size()));
}

/// Whether the model has a form in the format.
bool write_model(uint64_t seed, const std::string& path) {
  const deploy::QuantizedModel model = test::random_int8_model(seed);
  try {
    deploy::write_tflite(path + ".tflite", model);
  } catch (const UnsupportedOp&) {
    return false;
  }
  Shape shape = model.graph.values[model.graph.inputs[0]].meta.shape;
  shape[0] = kInputs;
  Rng rng(seed + 1000000007);
  const Tensor input = test::random_integers(shape, rng);
  write_bytes(path + ".in", input);
  write_bytes(path + ".out", deploy::interpret(model, input));
  return true;
}

int run(int count, const std::filesystem::path& folder, uint64_t first) {
  std::filesystem::create_directories(folder);
  int written = 0;
  for (int i = 0; i < count; ++i)
    written += write_model(first + static_cast<uint64_t>(i), (folder / std::to_string(i)).string());
  std::printf("%d models, %d without a form\n", written, count - written);
  return written * 4 >= count * 3 ? 0 : 1;
}

}  // namespace
}  // namespace tuco

int main(int count, char** arguments) {
  if (count != 3 && count != 4) {
    std::puts("usage: write_random_models COUNT FOLDER [SEED]");
    return 2;
  }
  return tuco::run(std::atoi(arguments[1]), arguments[2],
                   count == 4 ? std::strtoull(arguments[3], nullptr, 10) : 1);
}
