// Copies between the host's ordinary memory and a device, through pinned buffers: the device reads
// and writes these by itself, so an upload does not hold up the host.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "tuco/devices/cuda/handles.h"

namespace tuco::cuda {

/// The pinned buffers of one device. All methods may be called from several threads, with the
/// device as their current one.
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
  /// A buffer of at least `bytes` that no copy uses, for the caller until it is released.
  Buffer& acquire(size_t bytes);
  /// Lets others have it once the copy that was put into the stream is done.
  void release_after(Buffer& buffer, cudaStream_t stream);

  std::mutex mutex_;
  std::vector<std::unique_ptr<Buffer>> buffers_;
  uint64_t turns_ = 0;
};

}  // namespace tuco::cuda
