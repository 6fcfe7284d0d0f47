#include "tuco/devices/cpu/scratch.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <new>
#include <vector>

#include "tuco/core/parallel_part.h"

namespace tuco::cpu {
namespace {

constexpr size_t kLine = 64;

struct Free {
  void operator()(std::byte* p) const { ::operator delete (p, std::align_val_t{kLine}); }
};

struct Block {
  explicit Block(size_t bytes)
      : size(bytes),
        data(static_cast<std::byte*>(::operator new (bytes, std::align_val_t{kLine}))) {}
  size_t size;
  std::unique_ptr<std::byte, Free> data;
};

}  // namespace

// Blocks never move while a scope lives; when the last scope ends they are made into one.
class alignas(kLine) ScratchStack {
 public:
  std::vector<Block> blocks;
  size_t block = 0, used = 0;  // the top: block index and bytes used in it
};

namespace {

thread_local ScratchStack own;

/// The stacks of the parts but the first, which is always the calling thread's, made when they are
/// first asked for and never given back: as many as ever ran at a time.
std::array<std::atomic<ScratchStack*>, 1024> of_parts;

ScratchStack& current_stack() {
  const int64_t part = parallel_part();
  if (part <= 0 || part >= static_cast<int64_t>(of_parts.size())) return own;
  // No other thread runs a part of this number now.
  std::atomic<ScratchStack*>& stack = of_parts[static_cast<size_t>(part)];
  ScratchStack* found = stack.load(std::memory_order_acquire);
  if (!found) stack.store(found = new ScratchStack, std::memory_order_release);
  return *found;
}

}  // namespace

Scratch::Scratch() : stack_(current_stack()), block_(stack_.block), used_(stack_.used) {}

Scratch::~Scratch() {
  stack_.block = block_;
  stack_.used = used_;
  if (block_ == 0 && used_ == 0 && stack_.blocks.size() > 1) {
    size_t total = 0;
    for (const Block& block : stack_.blocks) total += block.size;
    stack_.blocks.clear();
    try {
      stack_.blocks.emplace_back(total);
    } catch (const std::bad_alloc&) {
      // The next scope will ask again, and report.
    }
  }
}

void* Scratch::bytes(size_t size) {
  size = (size + 2 * kLine - 1) / kLine * kLine;
  std::vector<Block>& blocks = stack_.blocks;
  while (stack_.block < blocks.size() && blocks[stack_.block].size - stack_.used < size) {
    ++stack_.block;
    stack_.used = 0;
  }
  if (stack_.block == blocks.size()) blocks.emplace_back(std::max(size, size_t{1} << 20));
  void* result = blocks[stack_.block].data.get() + stack_.used;
  stack_.used += size;
  return result;
}

}  // namespace tuco::cpu
