// python_files write FOLDER | read FOLDER: writes the files that check_files.py opens, and reads
// the ones that it wrote. Both sides hold the same list of tensors.
#include <fmt/format.h>

#include <cstdio>

#include "tests/deploy/networks.h"
#include "tuco/core/error.h"
#include "tuco/core/npy.h"
#include "tuco/core/safetensors.h"
#include "tuco/deploy/graph_file.h"
#include "tuco/deploy/trace.h"

namespace tuco {
namespace {

const Metadata kMetadata = {{"tuco.layout", "ohwi"}, {"names", "cat\n\"dog\" \u00e9"}};

template <class T, class F>
Tensor ramp(const Shape& shape, F&& value) {
  std::vector<T> values;
  for (int i = 0; i < shape.numel(); ++i) values.push_back(static_cast<T>(value(i)));
  return from_values(values, shape);
}

NamedTensors tensors() {
  const Tensor matrix = ramp<float>({4, 6}, [](int i) { return i; });
  return {
      {"conv.weight", ramp<float>({2, 3, 4}, [](int i) { return i * 0.5F - 3; })},
      {"double", from_values<double>({1e300}, {})},
      {"bytes", ramp<uint8_t>({4, 6}, [](int i) { return i; })},
      {"signed", ramp<int8_t>({24}, [](int i) { return i - 128; })},
      {"ints", ramp<int32_t>({24, 1}, [](int i) { return i * -100000; })},
      {"longs", ramp<int64_t>({24}, [](int i) { return i * (int64_t{1} << 40); })},
      {"flags", ramp<bool>({24}, [](int i) { return i % 3 == 0; })},
      {"empty", empty({0, 5})},
      {"transposed",
       Tensor(matrix.storage(), matrix.layout().permute(std::array{1, 0}), DType::float32)},
  };
}

void write(const std::string& folder) {
  save_safetensors(folder + "/ours.safetensors", tensors(), kMetadata);
  const auto network = test::small_network();
  deploy::save_graph(
      folder + "/graph.safetensors",
      deploy::trace(network.forward, test::random_images(network, 1, 1), network.constants));
  for (const auto& [name, tensor] : tensors()) save_npy(folder + "/ours-" + name + ".npy", tensor);
}

void check(const std::string& where, const Tensor& actual, const Tensor& wanted) {
  require<Error>(actual.shape() == wanted.shape() && actual.dtype() == wanted.dtype(),
                 "{}: {} of {}, expected {} of {}", where, actual.shape(), actual.dtype(),
                 wanted.shape(), wanted.dtype());
  dispatch_all("check", wanted.dtype(), [&]<class T>() {
    require<Error>(actual.to_vector<T>() == wanted.to_vector<T>(), "{}: other values: {}", where,
                   actual.to_string());
  });
}

void read(const std::string& folder) {
  const Safetensors loaded = load_safetensors(folder + "/python.safetensors");
  require<Error>(loaded.metadata == kMetadata, "python.safetensors: other metadata");
  require<Error>(loaded.tensors.size() == tensors().size(), "python.safetensors: {} tensors",
                 loaded.tensors.size());
  for (const auto& [name, wanted] : tensors()) {
    const Tensor* tensor = loaded.find(name);
    require<Error>(tensor, "python.safetensors: no '{}'", name);
    check("python.safetensors: " + name, *tensor, wanted);
    for (const char* version : {"", "-2"}) {
      const std::string file = fmt::format("{}/python-{}{}.npy", folder, name, version);
      check(file, load_npy(file), wanted);
    }
  }
}

}  // namespace
}  // namespace tuco

int main(int count, char** arguments) {
  const std::string command = count == 3 ? arguments[1] : "";
  try {
    if (command == "write") tuco::write(arguments[2]);
    if (command == "read") tuco::read(arguments[2]);
  } catch (const std::exception& error) {
    std::puts(error.what());
    return 1;
  }
  return command == "write" || command == "read" ? 0 : 2;
}
