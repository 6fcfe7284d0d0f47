// Printing of tensors, in NumPy's manner.
#include <fmt/format.h>

#include "tuco/core/error.h"
#include "tuco/core/tensor.h"

namespace tuco {
namespace {

/// Elements shown at each end of a long dimension, and from which total size on.
constexpr int64_t kEdge = 3, kFull = 1000;

struct Printer {
  const Shape& shape;
  const std::vector<std::string>& cells;
  bool abbreviate;
  size_t width;

  std::string print(int dim, int64_t index) const {
    if (dim == shape.rank()) return fmt::format("{:>{}}", cells[index], width);
    const int64_t size = shape[dim];
    const bool cut = abbreviate && size > 2 * kEdge;
    const bool last = dim == shape.rank() - 1;
    const std::string gap =
        last ? ", "
             : fmt::format(",{}{}", std::string(shape.rank() - dim - 1, '\n'),
                           std::string(dim + 1, ' '));
    std::string text = "[";
    for (int64_t i = 0; i < size; ++i) {
      if (i) text += gap;
      if (cut && i == kEdge) {
        text += "...";
        i = size - kEdge - 1;
        continue;
      }
      text += print(dim + 1, index * size + i);
    }
    return text + "]";
  }
};

template <class T>
std::string cell(T value) {
  if constexpr (std::is_same_v<T, bool>)
    return value ? "true" : "false";
  else if constexpr (std::is_integral_v<T>)
    return fmt::format("{}", static_cast<int64_t>(value));
  else
    return fmt::format("{:.4g}", value);
}

}  // namespace

std::string Tensor::to_string() const {
  if (!defined()) return "undefined";
  const Tensor host = contiguous_on_host(dtype());
  std::vector<std::string> cells;
  dispatch_all("print", dtype(), [&]<class T>() {
    const T* values = host.data<T>();
    for (int64_t i = 0; i < numel(); ++i) cells.push_back(cell(values[i]));
  });
  size_t width = 0;
  for (const auto& text : cells) width = std::max(width, text.size());
  const Printer printer{shape(), cells, numel() > kFull, width};
  return fmt::format("{}\n{} {} on {}", printer.print(0, 0), name(dtype()), shape(), device());
}

}  // namespace tuco
