// What the readers and writers of array files share: sizes checked before memory is taken, and
// elements moved between a tensor and a file.
#pragma once
#include <optional>

#include "tuco/core/file.h"
#include "tuco/core/tensor.h"

namespace tuco {

/// The bytes of a dense tensor, or nothing if its sizes, with those of 0 left out, multiply to more
/// than kMaxElements.
std::optional<uint64_t> checked_bytes(const Shape& shape, DType dtype);

/// Writes the elements in row-major order.
void write_elements(NewFile& file, const Tensor& tensor);

/// Fills a dense tensor on the CPU from `offset` on. Throws FormatError naming the file and `what`
/// if the file ends before, or if a bool is neither 0 nor 1.
void read_elements(const File& file, uint64_t offset, const Tensor& tensor, std::string_view what);

}  // namespace tuco
