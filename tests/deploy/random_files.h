// .tflite files at random, of one int8 graph: operators that Tuco reads, in forms that it does not
// write itself. Their numbers mean nothing; every executor has to agree on them.
#pragma once
#include "tuco/core/file.h"

namespace tuco::test {

/// A file of one to six operators, of one input (1, h, w, c) or (1, n) and one output; the same for
/// the same seed.
Bytes random_int8_file(uint64_t seed);

}  // namespace tuco::test
