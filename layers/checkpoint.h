// Checkpoints: a module's state as a safetensors file. Convolution weights (all tensors of rank 4)
// are (out, kh, kw, in) unless asked for as (out, in, kh, kw), which is PyTorch's; the metadata
// entry `tuco.layout` says which, OHWI or OIHW, and reading follows it. A Linear behind a Flatten
// of more than one pixel stays in the order (y, x, channel) either way.
#pragma once
#include <optional>
#include <string>

#include "tuco/core/preprocessing.h"
#include "tuco/core/safetensors.h"
#include "tuco/layers/module.h"

namespace tuco {

/// What goes into a checkpoint beside the weights.
struct CheckpointOptions {
  /// How pictures become the input, for every program that runs the model.
  std::optional<Preprocessing> preprocessing = {};
  /// Entries of your own. Keys that begin with "tuco." are Tuco's.
  Metadata metadata = {};
  /// Write convolution weights as PyTorch has them.
  bool torch_layout = false;
};

/// Writes the module's parameters and buffers; an old file stays whole if it fails. Throws Error
/// for a metadata key that begins with "tuco.", and IoError.
void save(const Module& module, const std::string& path, const CheckpointOptions& options = {});

/// Reads what save wrote into a module of the same structure, and returns the file's metadata.
/// Throws IoError, FormatError if the file does not say its layout, and Error naming all entries
/// that are missing, unexpected or of another shape; the module is unchanged then.
Metadata load(const Module& module, const std::string& path);

/// The tensors with their names behind "prefix.", to put the states of several things in one file.
NamedTensors with_prefix(const std::string& prefix, const NamedTensors& tensors);
/// The tensors whose names begin with "prefix.", without it.
NamedTensors below_prefix(const std::string& prefix, const NamedTensors& tensors);

/// The place that the program's random numbers have reached, as the tensor "random": saved with the
/// states of network and optimizer, it lets resumed training continue bit for bit.
NamedTensors random_state();
/// Continues there. Throws Error unless `state` is what random_state gave.
void load_random_state(const NamedTensors& state);

}  // namespace tuco
