// Copies and fills. What is pinned is read and written late, as on the device; what is pageable is
// staged at the call on its way up, and waited for on its way down.
#include <cstring>

#include "state.h"

namespace standin {

namespace {

// A rectangle of `height` rows of `width` bytes; one row for a plain copy.
struct Rectangle {
  std::size_t width, height, pitch;
  std::size_t extent() const { return (height - 1) * pitch + width; }
};

void copy_rows(char* to, std::size_t to_pitch, const char* from, std::size_t from_pitch,
               std::size_t width, std::size_t height) {
  for (std::size_t i = 0; i < height; ++i)
    std::memmove(to + i * to_pitch, from + i * from_pitch, width);
}

const char* place(bool device) { return device ? "device memory" : "memory of the host"; }

void require_kind(const char* function, cudaMemcpyKind kind, bool to, bool from) {
  if (kind == cudaMemcpyDefault) return;
  const cudaMemcpyKind right = to ? (from ? cudaMemcpyDeviceToDevice : cudaMemcpyHostToDevice)
                                  : (from ? cudaMemcpyDeviceToHost : cudaMemcpyHostToHost);
  if (kind != right)
    mistake(std::string(function) + ": the kind does not fit: the destination is " + place(to) +
            ", the source is " + place(from));
}

cudaError_t copy(const char* function, void* dst, std::size_t dst_pitch, const void* src,
                 std::size_t src_pitch, std::size_t width, std::size_t height, cudaMemcpyKind kind,
                 CUstream_st& stream) {
  if (width == 0 || height == 0) return cudaSuccess;
  const Rectangle to_part{width, height, dst_pitch}, from_part{width, height, src_pitch};
  const bool to = in_device(dst), from = in_device(src);
  require_kind(function, kind, to, from);
  std::vector<Buffer> buffers;
  if (to) buffers.push_back({dst, to_part.extent(), "the destination"});
  if (from) buffers.push_back({src, from_part.extent(), "the source"});
  for (const Buffer& b : buffers) require_device(b, function, -1);
  const bool pinned =
      to != from && (to ? is_pinned(src, from_part.extent()) : is_pinned(dst, to_part.extent()));
  Task task{function, std::move(buffers), {}, {}};
  auto* out = static_cast<char*>(dst);
  auto* in = static_cast<const char*>(src);
  if (to && !from && !pinned && !stream.capture) {
    auto staged = std::make_shared<std::vector<char>>(in, in + from_part.extent());
    task.work = [=] { copy_rows(out, dst_pitch, staged->data(), src_pitch, width, height); };
    return put(stream, std::move(task));
  }
  // What was pinned at the call must be so when the copy happens.
  const void* host = pinned ? (to ? src : dst) : nullptr;
  const std::size_t host_bytes = to ? from_part.extent() : to_part.extent();
  task.work = [=] {
    if (host && !is_pinned(host, host_bytes))
      mistake(std::string(function) + ": the pinned memory was freed before the copy");
    copy_rows(out, dst_pitch, in, src_pitch, width, height);
  };
  const bool captured = stream.capture != nullptr;
  const cudaError_t status = put(stream, std::move(task));
  if (status == cudaSuccess && !captured && !to && !pinned) drain(stream);
  return status == cudaSuccess ? world().sticky : status;
}

}  // namespace

}  // namespace standin

using namespace standin;

extern "C" {

cudaError_t cudaMemcpyAsync(void* dst, const void* src, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  return call(__func__, [&] {
    return copy("cudaMemcpyAsync", dst, bytes, src, bytes, bytes, 1, kind, *stream_of(stream));
  });
}
cudaError_t cudaMemcpy(void* dst, const void* src, size_t bytes, cudaMemcpyKind kind) {
  return call(__func__, [&] {
    if (const cudaError_t status = refuse_in_capture(); status != cudaSuccess) return status;
    const auto legacy = stream_of(nullptr);
    const cudaError_t status = copy("cudaMemcpy", dst, bytes, src, bytes, bytes, 1, kind, *legacy);
    // From device to device the host does not wait.
    if (status == cudaSuccess && !(in_device(dst) && in_device(src))) drain(*legacy);
    return status == cudaSuccess ? world().sticky : status;
  });
}
cudaError_t cudaMemcpy2DAsync(void* dst, size_t dst_pitch, const void* src, size_t src_pitch,
                              size_t width, size_t height, cudaMemcpyKind kind,
                              cudaStream_t stream) {
  return call(__func__, [&] {
    if (width > dst_pitch || width > src_pitch) return cudaErrorInvalidPitchValue;
    return copy("cudaMemcpy2DAsync", dst, dst_pitch, src, src_pitch, width, height, kind,
                *stream_of(stream));
  });
}
cudaError_t cudaMemcpyPeerAsync(void* dst, int dst_device, const void* src, int src_device,
                                size_t bytes, cudaStream_t stream) {
  return call(__func__, [&] {
    const int count = int(world().devices.size());
    if (dst_device < 0 || dst_device >= count || src_device < 0 || src_device >= count)
      return cudaErrorInvalidDevice;
    if (bytes == 0) return cudaSuccess;
    require_device({dst, bytes, "the destination"}, "cudaMemcpyPeerAsync", dst_device);
    require_device({src, bytes, "the source"}, "cudaMemcpyPeerAsync", src_device);
    return copy("cudaMemcpyPeerAsync", dst, bytes, src, bytes, bytes, 1, cudaMemcpyDeviceToDevice,
                *stream_of(stream));
  });
}

cudaError_t cudaMemsetAsync(void* p, int value, size_t bytes, cudaStream_t stream) {
  return call(__func__, [&] {
    if (bytes == 0) return cudaSuccess;
    return enqueue(stream, "cudaMemsetAsync", {{p, bytes, "the destination"}},
                   [=] { std::memset(p, value, bytes); });
  });
}
cudaError_t cudaMemset(void* p, int value, size_t bytes) {
  return call(__func__, [&] {
    if (bytes == 0) return cudaSuccess;
    return enqueue(nullptr, "cudaMemset", {{p, bytes, "the destination"}},
                   [=] { std::memset(p, value, bytes); });
  });
}

}  // extern "C"
