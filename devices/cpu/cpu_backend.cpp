#include "tuco/devices/cpu/cpu_backend.h"

#include "tuco/core/error.h"
#include "tuco/devices/cpu/allocator.h"
#include "tuco/devices/cpu/kernels.h"

namespace tuco::cpu {
namespace {

class CpuBackend final : public Backend {
 public:
  void* allocate(size_t bytes) override { return allocator_.allocate(bytes); }
  void free(void* data, size_t bytes) noexcept override { allocator_.free(data, bytes); }
  MemoryStats memory_stats() const override { return allocator_.stats(); }
  void reset_peak_memory() override { allocator_.reset_peak(); }
  void release_cached_memory() override { allocator_.release(); }

  void copy_from_host(void* destination, const void* source, size_t bytes) override {
    if (bytes) std::memcpy(destination, source, bytes);  // of no bytes, the pointers may be null
  }
  void copy_to_host(void* destination, const void* source, size_t bytes) override {
    if (bytes) std::memcpy(destination, source, bytes);  // of no bytes, the pointers may be null
  }
  void copy_within(void* destination, const void* source, size_t bytes) override {
    if (bytes) std::memmove(destination, source, bytes);
  }
  void synchronize() override {}

  void run(const op::Any& any, Inputs inputs, std::span<Tensor> outputs,
           Workspace& workspace) override {
    std::visit(
        [&]<class Op>(const Op& op) {
          if constexpr (not_on_device<Op> != nullptr) {
            fail<UnsupportedOp>("{}: no kernel: {}", Op::name, not_on_device<Op>);
          } else if constexpr (takes_strides<Op>) {
            cpu::run(op, inputs, outputs, workspace);
          } else {
            for (const Tensor& output : outputs)
              require<Error>(output.is_contiguous(), "{}: an output of shape {} is not dense",
                             Op::name, output.shape());
            std::vector<Tensor> dense_inputs(inputs.begin(), inputs.end());
            for (Tensor& tensor : dense_inputs)
              if (tensor.defined()) tensor = dense(tensor);
            cpu::run(op, dense_inputs, outputs, workspace);
          }
        },
        any);
  }

  std::unique_ptr<Prepared> prepare(const op::Any& any, Inputs constants) override {
    return std::visit([&](const auto& op) { return cpu::prepare(op, constants); }, any);
  }

 private:
  CachingAllocator allocator_;
};

}  // namespace

Backend& cpu_backend() {
  // Never destroyed: static tensors of user programs may outlive any order of destruction.
  static Backend& backend = *new CpuBackend;
  return backend;
}

}  // namespace tuco::cpu
