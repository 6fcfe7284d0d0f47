#include "tuco/deploy/device_memory.h"

#include <limits>

#include "tuco/core/ops/conv2d.h"
#include "tuco/core/ops/pool2d.h"
#include "tuco/deploy/ops/lstm.h"
#include "tuco/deploy/ops/products.h"
#include "tuco/deploy/ops/stretches.h"

namespace tuco::deploy {
namespace {

/// The first tap of a window from `origin` on that lies in [0, size), or -1.
int64_t first_inside(int64_t origin, int64_t dilation, int64_t taps, int64_t size) {
  for (int64_t k = 0; k < taps; ++k) {
    const int64_t at = origin + k * dilation;
    if (at >= 0 && at < size) return at;
  }
  return -1;
}

template <class Op>
NodeMemory memory_of(const Op&, const QuantizedNode&) {
  return {};
}

NodeMemory memory_of(const op::Conv2d& op, const QuantizedNode& node) {
  return product_memory(op, node);
}

NodeMemory memory_of(const op::Linear& op, const QuantizedNode& node) {
  return product_memory(op, node);
}

template <class Pool>
NodeMemory pool_memory(const Pool& op, const QuantizedNode& node) {
  NodeMemory memory;
  memory.lead = {window_lead(geometry(op.name, op.window, node.input(0).meta.shape), {})};
  return memory;
}

NodeMemory memory_of(const op::MaxPool2d& op, const QuantizedNode& node) {
  return pool_memory(op, node);
}

NodeMemory memory_of(const op::AvgPool2d& op, const QuantizedNode& node) {
  return pool_memory(op, node);
}

template <class View>
NodeMemory view_memory(const View& op, const QuantizedNode& node) {
  return {.stretch = stretch_of(op, node.input(0).meta.shape)};
}

NodeMemory memory_of(const op::Slice& op, const QuantizedNode& node) {
  return view_memory(op, node);
}

NodeMemory memory_of(const op::Permute& op, const QuantizedNode& node) {
  return view_memory(op, node);
}

NodeMemory memory_of(const op::Lstm&, const QuantizedNode& node) { return lstm_memory(node); }

NodeMemory memory_of(const op::Concat& op, const QuantizedNode& node) {
  return {.stretches = stretches_of(op, node)};
}

}  // namespace

NodeMemory device_memory(const QuantizedNode& node) {
  return std::visit([&](const auto& op) { return memory_of(op, node); }, node.node.op);
}

int64_t window_lead(const WindowGeometry& g, const Traversal& traversal) {
  constexpr int64_t kNothing = std::numeric_limits<int64_t>::max();
  const int64_t pixels = g.out_h * g.out_w;
  const int64_t units = (pixels + traversal.pixels - 1) / traversal.pixels;
  // From the end: what is read at or after each unit.
  int64_t lead = -g.in_h * g.in_w * g.in_c, earliest = kNothing;
  for (int64_t unit = units - 1; unit >= 0; --unit) {
    const int64_t begin = unit * traversal.pixels;
    const int64_t end = std::min(pixels, begin + traversal.pixels);
    int64_t reads = kNothing;
    for (int64_t p = begin; p < end; ++p) {
      const int64_t row =
          first_inside(p / g.out_w * g.stride.h - g.padding.top, g.dilation.h, g.kernel.h, g.in_h);
      const int64_t column =
          first_inside(p % g.out_w * g.stride.w - g.padding.left, g.dilation.w, g.kernel.w, g.in_w);
      if (row >= 0 && column >= 0) reads = std::min(reads, (row * g.in_w + column) * g.in_c);
    }
    const int64_t later = traversal.reads_first ? earliest : std::min(earliest, reads);
    if (later != kNothing) lead = std::max(lead, end * g.out_c - later);
    earliest = std::min(earliest, reads);
  }
  return lead;
}

}  // namespace tuco::deploy
