// A sequence of bound ops as a CUDA graph: one launch in place of one for each kernel.
#pragma once
#include "tuco/core/backend.h"
#include "tuco/core/precision.h"
#include "tuco/devices/cuda/device_context.h"

namespace tuco::cuda {

/// Runs its parts one by one at first, so that the libraries' handles and plans are there and it is
/// known how much scratch memory they need; the second run captures a graph, which that and all
/// later ones launch. The scratch memory is the sequence's own from then on. Where a graph cannot
/// be made, `note` says why, and the parts go on running one by one. Another precision of float32
/// (core/precision.h) begins anew.
class CapturedSequence final : public BoundSequence {
 public:
  /// `device` must outlive it.
  CapturedSequence(DeviceContext& device, std::vector<std::unique_ptr<Bound>> parts)
      : BoundSequence(std::move(parts)), device_(device) {}
  void run() override;
  std::string note() const override { return note_; }

 private:
  void run_first();
  void capture();

  DeviceContext& device_;
  /// That of the run which found out `scratch_bytes_`; none before.
  std::optional<Float32Precision> precision_;
  size_t scratch_bytes_ = 0;
  std::unique_ptr<Storage> scratch_;
  ExecutableGraph graph_;
  std::string note_;
};

}  // namespace tuco::cuda
