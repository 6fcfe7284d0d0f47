// NumPy's .npy: one array in a file.
#pragma once
#include <string>

#include "tuco/core/tensor.h"

namespace tuco {

class File;

/// Writes the tensor (of any device and strides) as numpy.save does, version 1.0, row-major; an old
/// file stays whole when it fails. Throws IoError.
void save_npy(const std::string& path, const Tensor& tensor);

/// Reads one array to a dense tensor on the CPU; column-major files are transposed. Throws IoError,
/// or FormatError naming the file and what is wrong: types that Tuco has no tensors of, big-endian
/// numbers and bytes behind the array among it.
Tensor load_npy(const std::string& path);
/// As above, from an open file or from bytes in memory.
Tensor load_npy(const File& file);

}  // namespace tuco
