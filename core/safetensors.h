// Safetensors: named tensors and a table of texts in one file, as Python's `safetensors` package
// reads and writes it. A JSON header tells each tensor's type, shape and place; then come the
// bytes. All checkpoints of Tuco are such files.
#pragma once
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tuco/core/tensor.h"

namespace tuco {

class File;

/// Tensors with their names, in the order of the file's header.
using NamedTensors = std::vector<std::pair<std::string, Tensor>>;
/// What keeps the tensors of `given` from taking the places of those of `wanted`, by name: all that
/// are missing, unexpected, there twice, or of another shape or type. Empty if they fit.
std::string mismatches(const NamedTensors& given, const NamedTensors& wanted);

/// Texts that travel with the tensors.
using Metadata = std::map<std::string, std::string>;

/// What a safetensors file holds.
struct Safetensors {
  NamedTensors tensors;
  Metadata metadata;
  /// The tensor of that name, or nullptr.
  const Tensor* find(const std::string& name) const;
};

/// Writes the tensors (of any device and strides) and the metadata; an old file stays whole when it
/// fails. Throws Error if a name is empty, "__metadata__", there twice, or not UTF-8, and IoError.
void save_safetensors(const std::string& path, const NamedTensors& tensors,
                      const Metadata& metadata = {});

/// Reads all tensors, to the CPU. Throws IoError, or FormatError naming the file, the tensor and
/// what is wrong: anything that the format does not allow (gaps, overlaps, sizes that do not fit,
/// a name twice), and types that Tuco has no tensors of.
Safetensors load_safetensors(const std::string& path);
/// As above, from an open file or from bytes in memory.
Safetensors load_safetensors(const File& file);

}  // namespace tuco
