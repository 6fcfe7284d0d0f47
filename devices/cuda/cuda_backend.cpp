#include "tuco/devices/cuda/cuda_backend.h"

#include <algorithm>
#include <array>

#include "tuco/core/error.h"
#include "tuco/devices/cuda/captured_sequence.h"
#include "tuco/devices/cuda/device_context.h"
#include "tuco/devices/cuda/kernels.h"

namespace tuco::cuda {
namespace {

/// A copy in the stream for copies.
class CudaUpload final : public Upload {
 public:
  CudaUpload(DeviceContext& context, void* destination, const void* source, size_t bytes)
      : context_(context) {
    // What used the memory before may still be in the stream.
    Event free;
    free.record(context.stream());
    free.hold(context.copies());
    context.staging().upload(destination, source, bytes, context.copies());
    done_.record(context.copies());
  }
  ~CudaUpload() override {
    try {
      join();
    } catch (const Error&) {
      // A device that failed; the next call says so.
    }
  }
  void join() override {
    if (std::exchange(joined_, true)) return;
    const DeviceGuard guard(context_.index());
    done_.hold(context_.stream());
  }

 private:
  DeviceContext& context_;
  Event done_;
  bool joined_ = false;
};

class CudaBackend final : public Backend {
 public:
  explicit CudaBackend(int index) : context_(index) {}

  DeviceContext& context() { return context_; }

  std::string processor() const override {
    const cudaDeviceProp& properties = context_.properties();
    return fmt::format("{}, sm_{}{}", properties.name, properties.major, properties.minor);
  }

  void* allocate(size_t bytes) override {
    // A graph that is launched later would use what may be somebody else's by then.
    context_.refuse_in_capture("an allocation");
    // Fresh memory is taken in the order of the stream.
    const Entry entry(context_);
    return context_.allocator().allocate(bytes);
  }
  void free(void* data, size_t bytes) noexcept override { context_.allocator().free(data, bytes); }
  MemoryStats memory_stats() const override { return context_.allocator().stats(); }
  void reset_peak_memory() override { context_.allocator().reset_peak(); }
  void release_cached_memory() override {
    const Entry entry(context_);
    context_.allocator().release();
    context_.staging().release();
    context_.synchronize();
  }

  void copy_from_host(void* destination, const void* source, size_t bytes) override {
    context_.refuse_in_capture("a copy from the host");
    const DeviceGuard guard(context_.index());
    context_.staging().upload(destination, source, bytes, context_.stream());
  }
  std::unique_ptr<Upload> start_copy_from_host(void* destination, const void* source,
                                               size_t bytes) override {
    context_.refuse_in_capture("a copy from the host");
    const DeviceGuard guard(context_.index());
    return std::make_unique<CudaUpload>(context_, destination, source, bytes);
  }
  void copy_to_host(void* destination, const void* source, size_t bytes) override {
    context_.refuse_in_capture("a copy to the host");
    // Not under the lock: other threads may go on while this one waits.
    const DeviceGuard guard(context_.index());
    context_.download(destination, source, bytes);
  }
  void copy_within(void* destination, const void* source, size_t bytes) override {
    if (bytes == 0) return;
    const Entry entry(context_);
    const auto to = reinterpret_cast<uintptr_t>(destination),
               from = reinterpret_cast<uintptr_t>(source);
    if (from < to + bytes && to < from + bytes) {
      Workspace workspace;
      void* between = workspace.scratch(bytes, context_.device());
      copy(between, source, bytes);
      return copy(destination, between, bytes);
    }
    copy(destination, source, bytes);
  }
  void synchronize() override {
    context_.refuse_in_capture("waiting");
    const DeviceGuard guard(context_.index());
    context_.synchronize();
  }

  void run(const op::Any& any, Inputs inputs, std::span<Tensor> outputs,
           Workspace& workspace) override {
    std::visit(
        [&]<class Op>(const Op& op) {
          if constexpr (not_on_device<Op> != nullptr) {
            fail<UnsupportedOp>("{}: no kernel: {}", Op::name, not_on_device<Op>);
          } else {
            const Entry entry(context_);
            require_here(Op::name, inputs);
            require_here(Op::name, outputs);
            Call call{context_, context_.target(), workspace};
            with_operands<Op>(inputs, outputs,
                              [&](Inputs in) { cuda::run(op, in, outputs, call); });
          }
        },
        any);
  }

  std::unique_ptr<Prepared> prepare(const op::Any&, Inputs) override { return nullptr; }

  std::unique_ptr<Bound> bind(const op::Any& any, Inputs inputs, std::span<const Tensor> outputs,
                              const Prepared* prepared) override {
    std::visit(
        [&]<class Op>(const Op&) {
          if constexpr (not_on_device<Op> != nullptr) {
            fail<UnsupportedOp>("{}: no kernel: {}", Op::name, not_on_device<Op>);
          } else {
            require_operands<Op>(inputs, outputs);
          }
        },
        any);
    return std::make_unique<BoundOp>(*this, any, inputs, outputs, prepared);
  }

  std::unique_ptr<BoundSequence> sequence(std::vector<std::unique_ptr<Bound>> parts) override {
    return std::make_unique<CapturedSequence>(context_, std::move(parts));
  }

 private:
  /// An op that runs its kernel on the same tensors each time.
  class BoundOp final : public Bound {
   public:
    BoundOp(CudaBackend& on, const op::Any& op, Inputs in, std::span<const Tensor> out,
            const Prepared* prepared)
        : on_(on),
          op_(op),
          in_(in.begin(), in.end()),
          out_(out.begin(), out.end()),
          prepared_(prepared) {}
    void run() override {
      DeviceContext& context = on_.context_;
      const Entry entry(context);
      const DeviceContext::Capture* capture = context.capture();
      Workspace workspace(prepared_, capture ? capture->scratch : std::span<std::byte>());
      on_.run(op_, in_, out_, workspace);
      context.most_scratch = std::max(context.most_scratch, workspace.asked_bytes());
    }

   private:
    CudaBackend& on_;
    op::Any op_;
    std::vector<Tensor> in_, out_;
    const Prepared* prepared_;
  };

  void copy(void* destination, const void* source, size_t bytes) {
    check(cudaMemcpyAsync(destination, source, bytes, cudaMemcpyDeviceToDevice, context_.target()),
          "cudaMemcpyAsync on the device");
  }

  void require_here(std::string_view op, std::span<const Tensor> tensors) const {
    for (const Tensor& tensor : tensors)
      require<DeviceError>(!tensor.defined() || tensor.device() == context_.device(),
                           "{}: an operand is on {}, expected {}", op,
                           tensor.defined() ? tensor.device() : Device(), context_.device());
  }

  mutable DeviceContext context_;
};

/// How many devices there are. `wanted` is for the error's text where they cannot be used.
int count_devices(std::string_view wanted) {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status == cudaSuccess) return count;
  cudaGetLastError();
  if (status == cudaErrorNoDevice) return 0;
  // Without a driver the runtime calls it insufficient.
  fail<DeviceError>("no CUDA device: {} was asked for: {}", wanted, cudaGetErrorString(status));
}

CudaBackend& find_backend(int index) {
  constexpr int kMost = 64;
  static std::mutex mutex;
  // Never destroyed: static tensors of user programs may outlive any order of destruction.
  static std::array<CudaBackend*, kMost> backends{};
  const std::lock_guard lock(mutex);
  require<DeviceError>(index >= 0 && index < kMost, "no device {}", Device::cuda(index));
  CudaBackend*& found = backends[index];
  if (!found) {
    const int count = count_devices(Device::cuda(index).to_string());
    require<DeviceError>(count > 0, "no CUDA device: {} was asked for and this machine has none",
                         Device::cuda(index));
    require<DeviceError>(index < count, "no device {}: this machine has {} CUDA device{}",
                         Device::cuda(index), count, count == 1 ? "" : "s");
    const DeviceGuard guard(index);
    found = new CudaBackend(index);
  }
  return *found;
}

}  // namespace

int device_count() { return count_devices("one"); }
Backend& cuda_backend(int index) { return find_backend(index); }
DeviceContext& context_of(int index) { return find_backend(index).context(); }

}  // namespace tuco::cuda
