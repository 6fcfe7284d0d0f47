#include "tuco/devices/cpu/cpu_backend.h"

#include "tuco/core/error.h"
#include "tuco/devices/cpu/host_memory.h"
#include "tuco/devices/cpu/isa.h"
#include "tuco/devices/cpu/kernels.h"
#include "tuco/devices/cpu/processor.h"

namespace tuco::cpu {
namespace {

class CpuBackend final : public Backend {
 public:
  std::string processor() const override {
    return fmt::format("{}, {}", processor_name(), isa_name(active_isa()));
  }

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
  std::unique_ptr<Upload> start_copy_from_host(void* destination, const void* source,
                                               size_t bytes) override {
    struct Done final : Upload {
      void join() override {}
    };
    copy_from_host(destination, source, bytes);
    return std::make_unique<Done>();
  }
  void synchronize() override {}

  void run(const op::Any& any, Inputs inputs, std::span<Tensor> outputs,
           Workspace& workspace) override {
    std::visit(
        [&]<class Op>(const Op& op) {
          if constexpr (not_on_device<Op> != nullptr) {
            fail<UnsupportedOp>("{}: no kernel: {}", Op::name, not_on_device<Op>);
          } else {
            with_operands<Op>(inputs, outputs,
                              [&](Inputs in) { cpu::run(op, in, outputs, workspace); });
          }
        },
        any);
  }

  std::unique_ptr<Prepared> prepare(const op::Any& any, Inputs constants) override {
    return std::visit([&](const auto& op) { return cpu::prepare(op, constants); }, any);
  }

  std::unique_ptr<Bound> bind(const op::Any& any, Inputs inputs, std::span<const Tensor> outputs,
                              const Prepared* prepared) override {
    return std::visit(
        [&]<class Op>(const Op& op) -> std::unique_ptr<Bound> {
          if constexpr (not_on_device<Op> != nullptr) {
            fail<UnsupportedOp>("{}: no kernel: {}", Op::name, not_on_device<Op>);
          } else {
            require_operands<Op>(inputs, outputs);
            return cpu::bind(op, inputs, outputs, prepared);
          }
        },
        any);
  }

 private:
  HostMemory memory_;
  CachingAllocator allocator_{memory_};
};

}  // namespace

Backend& cpu_backend() {
  // Never destroyed: static tensors of user programs may outlive any order of destruction.
  static Backend& backend = *new CpuBackend;
  return backend;
}

}  // namespace tuco::cpu
