// Backend: what a device must be able to do. One object for each kind of device; everything above
// the devices reaches memory and kernels only through it.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tuco/core/ops/any.h"
#include "tuco/core/tensor.h"

namespace tuco {

using Inputs = std::span<const Tensor>;
using Outputs = std::vector<Tensor>;

/// Constants of one op in the form that a device's kernel likes best (packed weights, a chosen
/// algorithm); made by Backend::prepare, valid for that op and those constants.
class Prepared {
 public:
  virtual ~Prepared() = default;
};

/// What a kernel may use beside its operands: what `prepare` made for the op, and scratch memory.
class Workspace {
 public:
  /// Scratch memory comes from the device's allocator.
  explicit Workspace(const Prepared* prepared = nullptr) : prepared_(prepared) {}
  /// Scratch memory is taken from `arena` as long as it lasts.
  Workspace(const Prepared* prepared, std::span<std::byte> arena)
      : prepared_(prepared), arena_(arena) {}

  const Prepared* prepared() const { return prepared_; }
  /// `bytes` bytes on `device`, aligned to 64, valid while the Workspace lives.
  void* scratch(size_t bytes, Device device);
  /// How large an arena, aligned to 64, would have held all that was asked for.
  size_t asked_bytes() const { return asked_bytes_; }

 private:
  const Prepared* prepared_;
  std::span<std::byte> arena_;
  size_t asked_bytes_ = 0;
  std::vector<std::unique_ptr<Storage>> blocks_;
};

/// An op tied to its operands' memory, with everything done that needs doing once: what an executor
/// that repeats the same ops in the same places keeps for each of them. It holds its operands, and
/// may be run again as often as wanted, but by one thread at a time.
class Bound {
 public:
  virtual ~Bound() = default;
  /// Computes the outputs from what the inputs hold now. Allocates nothing once it has run.
  virtual void run() = 0;
};

/// Bound ops that run one after the other again and again, which a device may turn into one launch.
class BoundSequence : public Bound {
 public:
  /// Null parts compute nothing.
  explicit BoundSequence(std::vector<std::unique_ptr<Bound>> parts) : parts_(std::move(parts)) {}
  void run() override {
    for (const auto& part : parts_)
      if (part) part->run();
  }
  const std::vector<std::unique_ptr<Bound>>& parts() const { return parts_; }
  /// Why a device that makes one launch of sequences does not of this one; empty where it does, may
  /// at a later run, or makes none.
  virtual std::string note() const { return {}; }

 private:
  std::vector<std::unique_ptr<Bound>> parts_;
};

/// A copy to a device that goes on beside what the device computes.
class Upload {
 public:
  virtual ~Upload() = default;
  /// What is asked of the device from now on comes after the copy.
  virtual void join() = 0;
};

/// A device's memory and kernels. All methods may be called from several threads.
class Backend {
 public:
  virtual ~Backend() = default;

  /// The processor and the instruction set whose kernels run: what is packed or planned for one may
  /// not fit another. For people, too.
  virtual std::string processor() const = 0;

  /// At least `bytes` bytes, aligned to 64; in the order of the device's stream. Throws
  /// std::bad_alloc when memory ends.
  virtual void* allocate(size_t bytes) = 0;
  /// Takes back what `allocate` gave for the same number of bytes.
  virtual void free(void* data, size_t bytes) noexcept = 0;
  virtual MemoryStats memory_stats() const = 0;
  virtual void reset_peak_memory() = 0;
  /// Gives the memory kept for reuse back to the system.
  virtual void release_cached_memory() = 0;

  /// Copies bytes between this device and the host, or within the device.
  virtual void copy_from_host(void* destination, const void* source, size_t bytes) = 0;
  virtual void copy_to_host(void* destination, const void* source, size_t bytes) = 0;
  virtual void copy_within(void* destination, const void* source, size_t bytes) = 0;
  /// Begins a copy from the host; `source` may change as soon as this returns, but nothing may be
  /// asked of the device with `destination` before the result is joined. The memory must live until
  /// then.
  virtual std::unique_ptr<Upload> start_copy_from_host(void* destination, const void* source,
                                                       size_t bytes) = 0;
  /// Waits until all that was asked of the device is done.
  virtual void synchronize() = 0;

  /// Computes `outputs`, which have the shapes and types that infer gave, from `inputs`. What the
  /// workspace holds as prepared was made for the same op. Throws UnsupportedOp or DTypeError where
  /// there is no kernel.
  virtual void run(const op::Any& op, Inputs inputs, std::span<Tensor> outputs,
                   Workspace& workspace) = 0;
  /// Packs the op's constant inputs: constants[i] is input i, undefined where it is not constant.
  /// Returns null where there is nothing to gain.
  virtual std::unique_ptr<Prepared> prepare(const op::Any& op, Inputs constants) = 0;
  /// Ties an op to operands such as `run` takes. `prepared`, which may be null, must outlive the
  /// result. Throws as `run` does, and Error where the op's kernel wants dense operands and gets
  /// others.
  virtual std::unique_ptr<Bound> bind(const op::Any& op, Inputs inputs,
                                      std::span<const Tensor> outputs,
                                      const Prepared* prepared) = 0;
  /// Puts bound ops in a row, to run them at the least cost that the device knows.
  virtual std::unique_ptr<BoundSequence> sequence(std::vector<std::unique_ptr<Bound>> parts) {
    return std::make_unique<BoundSequence>(std::move(parts));
  }
};

/// How many devices of a kind this machine and build have. Throws DeviceError if there are some
/// that cannot be used.
int device_count(Device::Kind kind);

/// The backend of `device`. Throws DeviceError if it is not there.
Backend& backend(Device device);

}  // namespace tuco
