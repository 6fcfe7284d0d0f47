#include "tuco/devices/cuda/staging.h"

#include <algorithm>
#include <bit>
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
  Event used;
};

Staging::Staging() = default;
Staging::~Staging() = default;

Staging::Buffer& Staging::acquire(size_t bytes) {
  const auto fits = [&](const auto& buffer) { return buffer->bytes >= bytes; };
  // The smallest that is free.
  Buffer* best = nullptr;
  for (const auto& buffer : buffers_)
    if (fits(buffer) && (!best || buffer->bytes < best->bytes) && buffer->used.is_done())
      best = buffer.get();
  if (best) return *best;
  if (std::count_if(buffers_.begin(), buffers_.end(), fits) <
      static_cast<std::ptrdiff_t>(kBuffers)) {
    buffers_.push_back(std::make_unique<Buffer>(std::bit_ceil(std::max<size_t>(bytes, 4096))));
    return *buffers_.back();
  }
  Buffer& first = **std::find_if(buffers_.begin(), buffers_.end(), fits);
  first.used.wait();
  // Waited for in turn.
  std::rotate(buffers_.begin(), buffers_.begin() + 1, buffers_.end());
  return first;
}

void Staging::upload(void* destination, const void* source, size_t bytes, cudaStream_t stream) {
  for (size_t done = 0; done < bytes;) {
    const size_t piece = std::min(bytes - done, kPiece);
    Buffer& buffer = acquire(piece);
    std::memcpy(buffer.data, static_cast<const char*>(source) + done, piece);
    check(cudaMemcpyAsync(static_cast<char*>(destination) + done, buffer.data, piece,
                          cudaMemcpyHostToDevice, stream),
          "cudaMemcpyAsync to the device");
    buffer.used.record(stream);
    done += piece;
  }
}

void Staging::download(void* destination, const void* source, size_t bytes, cudaStream_t stream) {
  // While the device writes one piece, the host empties the one before.
  Buffer* before = nullptr;
  size_t before_at = 0, before_bytes = 0;
  const auto empty_before = [&] {
    if (!before) return;
    before->used.wait();
    std::memcpy(static_cast<char*>(destination) + before_at, before->data, before_bytes);
  };
  for (size_t done = 0; done < bytes;) {
    const size_t piece = std::min(bytes - done, kPiece);
    Buffer& buffer = acquire(piece);
    check(cudaMemcpyAsync(buffer.data, static_cast<const char*>(source) + done, piece,
                          cudaMemcpyDeviceToHost, stream),
          "cudaMemcpyAsync to the host");
    buffer.used.record(stream);
    empty_before();
    before = &buffer, before_at = done, before_bytes = piece;
    done += piece;
  }
  empty_before();
}

void Staging::release() {
  std::erase_if(buffers_, [](const auto& buffer) { return buffer->used.is_done(); });
}

}  // namespace tuco::cuda
