// make_layers FILE KIB SEED: so many KiB of random layers with their fast kernels' arguments and
// the reference interpreter's outputs, as words for layers_main.c, which says what they are.
#include <fmt/format.h>

#include <cstdio>
#include <cstring>

#include "tests/deploy/random_layers.h"
#include "tuco/core/error.h"
#include "tuco/core/file.h"

namespace tuco {
namespace {

using deploy::ProductKernel;

/// Little-endian words, which is what hosts and boards are.
class Words {
 public:
  void add(int64_t value) { words_.push_back(static_cast<int32_t>(value)); }
  template <class Element, class Values>
  void add_blob(const Values& values) {
    std::vector<Element> narrowed(std::begin(values), std::end(values));
    narrowed.resize((narrowed.size() * sizeof(Element) + 3) / 4 * 4 / sizeof(Element));
    const size_t at = words_.size(), bytes = narrowed.size() * sizeof(Element);
    words_.resize(at + bytes / 4);
    std::memcpy(words_.data() + at, narrowed.data(), bytes);
  }
  size_t size() const { return words_.size(); }
  const std::vector<int32_t>& all() const { return words_; }

 private:
  std::vector<int32_t> words_;
};

int number_of(ProductKernel kernel) {
  switch (kernel) {
    case ProductKernel::kPlain:
      return 0;
    case ProductKernel::kColumns:
      return 1;
    case ProductKernel::kPointwise:
      return 2;
    case ProductKernel::kRow:
      return 3;
    case ProductKernel::kPlane:
      return 4;
    case ProductKernel::kTaps:
      return 5;
  }
  return 0;
}

Words words_of(const test::RandomLayer& layer) {
  const deploy::QuantizedNode node = layer.node();
  const deploy::Product& product = layer.product;
  const WindowGeometry& g = product.geometry;
  const auto [low, high] = node.bounds();
  const bool row = product.kernel == ProductKernel::kRow;
  const bool bytes =
      product.kernel == ProductKernel::kPlane || product.kernel == ProductKernel::kTaps;
  Words words, body;
  if (bytes)
    body.add_blob<int8_t>(product.weights);
  else
    body.add_blob<int16_t>(product.weights);
  const size_t weights = body.size();
  if (row)
    body.add_blob<int32_t>(product.finish.biases);
  else
    body.add_blob<int32_t>(deploy::interleaved(product.finish));
  const size_t channels = body.size() - weights;
  if (row) body.add_blob<int32_t>(product.finish.multipliers);
  body.add_blob<int8_t>(layer.input.to_vector<int8_t>());
  body.add_blob<int8_t>(layer.expected.to_vector<int8_t>());

  for (const int64_t value : {int64_t{number_of(product.kernel)},
                              layer.input.numel(),
                              layer.expected.numel(),
                              layer.closest(),
                              layer.memory.scratch,
                              int64_t{layer.memory.descending},
                              int64_t{product.finish.multipliers.size() > 1},
                              int64_t{node.input_zero_point(0)},
                              int64_t{node.output_zero_point()},
                              int64_t{low},
                              int64_t{high},
                              g.in_h,
                              g.in_w,
                              g.in_c,
                              g.out_h,
                              g.out_w,
                              g.out_c,
                              g.kernel.h,
                              g.kernel.w,
                              g.stride.h,
                              g.stride.w,
                              g.dilation.h,
                              g.dilation.w,
                              g.padding.top,
                              g.padding.bottom,
                              g.padding.left,
                              g.padding.right,
                              g.groups,
                              static_cast<int64_t>(weights),
                              static_cast<int64_t>(channels),
                              static_cast<int64_t>(row ? product.finish.multipliers.size() : 0)})
    words.add(value);
  words.add_blob<int32_t>(body.all());
  return words;
}

/// No layer takes more than the smallest board's RAM.
void write(const std::string& path, size_t kibibytes, uint64_t seed) {
  constexpr int64_t kBytes = 5000;
  Rng rng(seed);
  std::string file;
  for (int i = 0;; ++i) {
    const auto layer = i % 5 ? test::random_convolution(rng, 40) : test::random_linear(rng);
    if (layer.product.kernel == ProductKernel::kPlain ||
        layer.input.numel() + layer.expected.numel() + layer.memory.scratch > kBytes)
      continue;
    const Words words = words_of(layer);
    if (file.size() + 4 * (words.size() + 1) > 1024 * kibibytes) break;
    const auto size = static_cast<int32_t>(words.size());
    file.append(reinterpret_cast<const char*>(&size), 4);
    file.append(reinterpret_cast<const char*>(words.all().data()), 4 * words.size());
  }
  write_file(path, file);
}

}  // namespace
}  // namespace tuco

int main(int count, char** arguments) try {
  tuco::require<tuco::Error>(count == 4, "usage: make_layers FILE KIB SEED");
  tuco::write(arguments[1], std::stoul(arguments[2]), std::stoul(arguments[3]));
} catch (const std::exception& error) {
  fmt::print(stderr, "make_layers: {}\n", error.what());
  return 1;
}
