#include "tuco/core/backend.h"

namespace tuco {

void* Workspace::scratch(size_t bytes, Device device) {
  const size_t rounded = (bytes + 63) / 64 * 64;
  asked_bytes_ += rounded;
  const size_t skipped = (64 - reinterpret_cast<uintptr_t>(arena_.data()) % 64) % 64;
  arena_ = arena_.subspan(std::min(skipped, arena_.size()));
  if (rounded <= arena_.size()) {
    void* block = arena_.data();
    arena_ = arena_.subspan(rounded);
    return block;
  }
  blocks_.push_back(std::make_unique<Storage>(rounded, device));
  return blocks_.back()->data();
}

MemoryStats memory_stats(Device device) { return backend(device).memory_stats(); }
void reset_peak_memory(Device device) { backend(device).reset_peak_memory(); }

}  // namespace tuco
