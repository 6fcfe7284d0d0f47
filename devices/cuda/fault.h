// What a kernel found wrong with the values that it was given. A kernel cannot throw: it leaves a
// note in the device's memory, and the next call that waits for the device throws.
#pragma once
#include <cstdint>

namespace tuco::cuda {

/// The first thing that went wrong since it was last looked at; all zeros if nothing has.
struct Fault {
  enum Kind : int32_t { none = 0, gather_index = 1 };
  int32_t kind;
  /// The dimension that an index was for, the index, and the size that it should be below.
  int32_t dim;
  int64_t index, size;
};

}  // namespace tuco::cuda
