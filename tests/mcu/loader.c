// The loader with the kernels of MLPerf Tiny's four models, as a program has it.
#include "kernel_list.h"

#undef TUCO_WANTED_KERNELS
#define TUCO_WANTED_KERNELS                                                    \
  (1u << TUCO_KERNEL_CONV2D_COLUMNS | 1u << TUCO_KERNEL_POINTWISE_COLUMNS |    \
   1u << TUCO_KERNEL_FULLY_CONNECTED_ROW | 1u << TUCO_KERNEL_DEPTHWISE_PLANE | \
   1u << TUCO_KERNEL_DEPTHWISE_TAPS | 1u << TUCO_KERNEL_QUICK_ADD |            \
   1u << TUCO_KERNEL_AVERAGE_POOL | 1u << TUCO_KERNEL_SOFTMAX)

#include "model.h"

int32_t open_model(tuco_model* model, const void* file, size_t bytes, void* arena,
                   size_t arena_bytes, uint32_t* call);
const int8_t* run_model(const tuco_model* model);

int32_t open_model(tuco_model* model, const void* file, size_t bytes, void* arena,
                   size_t arena_bytes, uint32_t* call) {
  return tuco_model_open(model, file, bytes, arena, arena_bytes, call);
}

const int8_t* run_model(const tuco_model* model) { return tuco_model_run(model); }
