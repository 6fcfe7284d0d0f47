// IDX, the format of MNIST's files: a magic number that says type and rank, the sizes, the values,
// all big-endian.
#pragma once
#include "tuco/core/dtype.h"
#include "tuco/core/file.h"
#include "tuco/core/shape.h"

namespace tuco::data {

/// The array of an IDX file: its values lie densely in `bytes`, outermost dimension first, in this
/// machine's byte order.
struct IdxArray {
  DType dtype = DType::uint8;
  Shape shape;
  Bytes bytes;
};

/// Reads an array, plain or in gzip. Throws FormatError naming the file if the magic number is
/// wrong, the file is shorter or longer than its sizes say, or its gzip stream is damaged.
IdxArray read_idx(const File& file);

}  // namespace tuco::data
