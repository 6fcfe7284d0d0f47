// How the runtime's kernel for a node uses memory: what it needs besides input and output, and how
// far these may lie over each other.
#pragma once
#include "tuco/core/ops/window.h"
#include "tuco/deploy/memory_plan.h"
#include "tuco/deploy/rules.h"

namespace tuco::deploy {

/// The memory of a node on a device. Its kernel is the one that `emit` calls.
NodeMemory device_memory(const QuantizedNode& node);

/// How a kernel that slides a window over an image goes through the pixels of its output.
struct Traversal {
  /// Pixels that are computed together.
  int64_t pixels = 1;
  /// Whether all inputs of these pixels are read before the first output is written.
  bool reads_first = false;
};

/// By how many bytes an int8 image must lie behind the output of the window op over it, so that no
/// byte is written that is still to be read: pixels are done row by row from the top.
int64_t window_lead(const WindowGeometry& geometry, const Traversal& traversal);

}  // namespace tuco::deploy
