// Reads the golden cases (golden/golden_file.py says how they lie in a file) and runs each through
// the device runtime. C99 without a C library, so that the same code runs on the host and on an
// emulated microcontroller; the cases are read in place.
#ifndef TUCO_TESTS_GOLDEN_RUN_H
#define TUCO_TESTS_GOLDEN_RUN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  GOLDEN_CONV2D = 1,
  GOLDEN_DEPTHWISE,
  GOLDEN_FULLY_CONNECTED,
  GOLDEN_MAX_POOL,
  GOLDEN_AVERAGE_POOL,
  GOLDEN_ADD,
  GOLDEN_MEAN,
  GOLDEN_SOFTMAX,
  GOLDEN_LOGISTIC,
  GOLDEN_TANH,
  GOLDEN_CONCAT,
  GOLDEN_PAD,
  GOLDEN_RESCALE,
  GOLDEN_CLAMP,
  GOLDEN_LOOKUP,
  GOLDEN_ADD_BROADCAST,
  GOLDEN_SUB,
  GOLDEN_MUL,
  GOLDEN_MAXIMUM,
  GOLDEN_MINIMUM,
  GOLDEN_COPY_STRIDED,
  GOLDEN_RESIZE_NEAREST,
  GOLDEN_LAST = GOLDEN_RESIZE_NEAREST,
  GOLDEN_MAX_BLOBS = 8
};

typedef struct {
  int32_t operation;
  int32_t parameter_count, scale_count, blob_count;
  const int32_t* parameters;
  const float* scales;  // what the parameters were derived from; the runtime does not need them
  const int8_t* blobs[GOLDEN_MAX_BLOBS];  // the name, the operands, the expected output
  int32_t blob_sizes[GOLDEN_MAX_BLOBS];   // in bytes
} golden_case;

// Reads the case at the beginning of `size` bytes, which are aligned to 4; the bytes it takes, or 0
// when there is no whole case.
size_t golden_read(const uint8_t* bytes, size_t size, golden_case* into);

// Runs the case's operation into `out` with the given rounding (TUCO_DOUBLE_ROUNDING is that of the
// expected output); the size of the output, or -1 when it does not fit in
// `capacity` or the operation is unknown.
int32_t golden_run(const golden_case* c, int8_t* out, int32_t capacity, int32_t rounding);

// How many of the `size` bytes of `out` differ from the expected output.
int32_t golden_differences(const golden_case* c, const int8_t* out, int32_t size);

#ifdef __cplusplus
}
#endif

#endif
