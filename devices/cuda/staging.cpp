#include "tuco/devices/cuda/staging.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

namespace tuco::cuda {
namespace {

/// Longer copies go in pieces, so that the host fills one buffer while the device empties another.
constexpr size_t kPiece = 8 << 20;
/// How many buffers may wait for the device before the host waits for the first.
constexpr size_t kBuffers = 8;

}  // namespace

struct Staging::Buffer {
  explicit Buffer(size_t size) : bytes(size) {
    check(cudaHostAlloc(&data, bytes, cudaHostAllocPortable), "cudaHostAlloc");
  }
  ~Buffer() {
    // Its last copy may still be under way.
    if (cudaEventSynchronize(used) == cudaSuccess) cudaFreeHost(data);
  }
  size_t bytes;
  void* data = nullptr;
  /// Done when the last copy is.
  Event used;
  /// Which of all copies the last one was.
  uint64_t turn = 0;
  /// Whether a thread has it.
  bool taken = false;
};

Staging::Staging() = default;
Staging::~Staging() = default;

Staging::Buffer& Staging::acquire(size_t bytes) {
  const std::lock_guard lock(mutex_);
  // The smallest that is free, or else the one whose copy was begun first, once that is done.
  Buffer *best = nullptr, *oldest = nullptr;
  size_t fitting = 0;
  for (const auto& buffer : buffers_) {
    if (buffer->bytes < bytes || buffer->taken) continue;
    ++fitting;
    if (!oldest || buffer->turn < oldest->turn) oldest = buffer.get();
    if ((!best || buffer->bytes < best->bytes) && buffer->used.is_done()) best = buffer.get();
  }
  if (!best && fitting < kBuffers) {
    const size_t size = std::bit_ceil(std::max<size_t>(bytes, 4096));
    best = buffers_.emplace_back(std::make_unique<Buffer>(size)).get();
  }
  if (!best) {
    oldest->used.wait();
    best = oldest;
  }
  best->taken = true;
  return *best;
}

void Staging::release_after(Buffer& buffer, cudaStream_t stream) {
  buffer.used.record(stream);
  const std::lock_guard lock(mutex_);
  buffer.turn = ++turns_;
  buffer.taken = false;
}

void Staging::upload(void* destination, const void* source, size_t bytes, cudaStream_t stream) {
  for (size_t done = 0; done < bytes;) {
    const size_t piece = std::min(bytes - done, kPiece);
    Buffer& buffer = acquire(piece);
    std::memcpy(buffer.data, static_cast<const char*>(source) + done, piece);
    const cudaError_t status = cudaMemcpyAsync(static_cast<char*>(destination) + done, buffer.data,
                                               piece, cudaMemcpyHostToDevice, stream);
    release_after(buffer, stream);
    check(status, "cudaMemcpyAsync to the device");
    done += piece;
  }
}

void Staging::download(void* destination, const void* source, size_t bytes, cudaStream_t stream) {
  // While the device writes one piece, the host empties the one before.
  struct Piece {
    Buffer* buffer = nullptr;
    size_t at = 0, bytes = 0;
  } before;
  const auto empty_before = [&] {
    if (!before.buffer) return;
    before.buffer->used.wait();
    std::memcpy(static_cast<char*>(destination) + before.at, before.buffer->data, before.bytes);
    const std::lock_guard lock(mutex_);
    before.buffer->taken = false;
  };
  for (size_t done = 0; done < bytes;) {
    const size_t piece = std::min(bytes - done, kPiece);
    Buffer& buffer = acquire(piece);
    check(cudaMemcpyAsync(buffer.data, static_cast<const char*>(source) + done, piece,
                          cudaMemcpyDeviceToHost, stream),
          "cudaMemcpyAsync to the host");
    buffer.used.record(stream);
    empty_before();
    before = {&buffer, done, piece};
    done += piece;
  }
  empty_before();
}

void Staging::release() {
  const std::lock_guard lock(mutex_);
  std::erase_if(buffers_, [](const auto& b) { return !b->taken && b->used.is_done(); });
}

}  // namespace tuco::cuda
