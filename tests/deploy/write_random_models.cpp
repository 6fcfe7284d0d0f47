// write_random_models COUNT FOLDER [SEED]: COUNT random int8 models, SEED and those after it, as
// .tflite files, each with inputs and the reference interpreter's outputs for them;
// compare_tflite.py runs them elsewhere. Two of three are networks that the exporter writes
// (random_models.h), the others files of operators that only the importer knows (random_files.h).
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "tests/deploy/random_files.h"
#include "tests/deploy/random_models.h"
#include "tuco/core/error.h"
#include "tuco/core/file.h"
#include "tuco/deploy/export_tflite.h"
#include "tuco/deploy/import_tflite.h"
#include "tuco/deploy/interpreter.h"

namespace tuco {
namespace {

constexpr int64_t kInputs = 4;

void write_bytes(const std::string& path, const Tensor& tensor) {
  const auto values = tensor.to_vector<int8_t>();
  write_file(path, std::string_view(reinterpret_cast<const char*>(values.data()), values.size()));
}

/// Writes a file and returns the model in it. Throws UnsupportedOp where the format, or the
/// importer, does not have it.
deploy::QuantizedModel write_file_of(uint64_t seed, const std::string& path) {
  if (seed % 3 != 0) {
    deploy::QuantizedModel model = test::random_int8_model(seed);
    deploy::write_tflite(path, model);
    return model;
  }
  const Bytes bytes = test::random_int8_file(seed);
  const deploy::StoredNetwork network = deploy::import_tflite(File::memory(bytes, path));
  write_file(path, bytes);
  return {network.graph, network.rounding.value()};
}

/// Whether there is such a model.
bool write_model(uint64_t seed, const std::string& path) {
  deploy::QuantizedModel model;
  try {
    model = write_file_of(seed, path + ".tflite");
  } catch (const UnsupportedOp& error) {
    std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), error.what());
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
