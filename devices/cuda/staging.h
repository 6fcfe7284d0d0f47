// Copies between the host's ordinary memory and a device, through pinned buffers: the device reads
// and writes these by itself, so an upload does not hold up the host.
#pragma once
#include <cstddef>
#include <memory>
#include <vector>

#include "tuco/devices/cuda/handles.h"

namespace tuco::cuda {

/// The pinned buffers of one device, used by one thread at a time.
class Staging {
 public:
  Staging();
  ~Staging();

  /// Puts a copy to the device into the stream. `source` may change as soon as this returns.
  void upload(void* destination, const void* source, size_t bytes, cudaStream_t stream);
  /// Copies from the device what the stream will have written, and waits for it.
  void download(void* destination, const void* source, size_t bytes, cudaStream_t stream);
  /// Gives back the buffers that no copy uses.
  void release();

 private:
  struct Buffer;
  /// A buffer of at least `bytes` that no copy uses.
  Buffer& acquire(size_t bytes);

  std::vector<std::unique_ptr<Buffer>> buffers_;
};

}  // namespace tuco::cuda
