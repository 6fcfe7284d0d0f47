// The form in which a model goes onto a device.
#pragma once
#include <optional>

#include "tuco/deploy/quantize.h"

namespace tuco::deploy {

struct DeviceOptions {
  /// The most bytes that the arena may have; layers are computed in strips where that needs it.
  std::optional<int64_t> arena_bytes = {};
  /// Whether layers may be computed in strips (deploy/strips.h): where that makes the arena smaller
  /// and costs no product, and where arena_bytes asks for it.
  bool strips = true;
};

/// The model with padding as a part of convolutions (deploy/fold_padding.h), without the channels
/// that never change (deploy/constant_channels.h), its states to be changed in their place
/// (deploy/states.h), and in strips where these are allowed. Throws Error if its arena has more than
/// options.arena_bytes, and that cannot be helped.
QuantizedModel device_model(const QuantizedModel& model, const DeviceOptions& options = {});

}  // namespace tuco::deploy
