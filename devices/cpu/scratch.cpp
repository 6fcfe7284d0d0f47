#include "tuco/devices/cpu/scratch.h"

#include <algorithm>
#include <memory>
#include <new>
#include <vector>

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

// Blocks never move while a scope lives; when the last scope ends they are made into one.
struct Stack {
  std::vector<Block> blocks;
  size_t block = 0, used = 0;  // the top: block index and bytes used in it
};

thread_local Stack stack;

}  // namespace

Scratch::Scratch() : block_(stack.block), used_(stack.used) {}

Scratch::~Scratch() {
  stack.block = block_;
  stack.used = used_;
  if (block_ == 0 && used_ == 0 && stack.blocks.size() > 1) {
    size_t total = 0;
    for (const Block& block : stack.blocks) total += block.size;
    stack.blocks.clear();
    try {
      stack.blocks.emplace_back(total);
    } catch (const std::bad_alloc&) {
      // The next scope will ask again, and report.
    }
  }
}

void* Scratch::bytes(size_t size) {
  size = (size + 2 * kLine - 1) / kLine * kLine;
  while (stack.block < stack.blocks.size() && stack.blocks[stack.block].size - stack.used < size) {
    ++stack.block;
    stack.used = 0;
  }
  if (stack.block == stack.blocks.size())
    stack.blocks.emplace_back(std::max(size, size_t{1} << 20));
  void* result = stack.blocks[stack.block].data.get() + stack.used;
  stack.used += size;
  return result;
}

}  // namespace tuco::cpu
