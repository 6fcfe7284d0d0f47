// The kernels of the ops on int8 (core/ops/quantized.h), in the arithmetic of the device runtime:
// every byte is the CPU's.
#pragma once
#include <cuda_runtime_api.h>

#include "tuco/deploy/runtime/add.h"
#include "tuco/deploy/runtime/lstm.h"
#include "tuco/deploy/runtime/mul.h"
#include "tuco/deploy/runtime/prelu.h"
#include "tuco/devices/cuda/pool2d_kernels.h"
#include "tuco/devices/cuda/strided.h"

namespace tuco::cuda {

/// op::Requantize.
struct QOutput {
  int32_t zero_point, low, high, rounding;
};

/// A convolution, or a linear layer as one: of images of one column.
struct QConvolution {
  /// `channels` are the inputs'.
  PoolSizes sizes;
  int64_t out_channels, groups;
  int32_t in_zero_point;
  QOutput out;

  int64_t outputs() const { return sizes.batch * sizes.v.out * sizes.h.out * out_channels; }
};
/// The addition of another image that follows one; none where `image` is null.
struct QAddend {
  const int8_t* image = nullptr;
  tuco_addition addition = {};
};
void qconvolve(const QConvolution& conv, const int8_t* x, const int8_t* weight, const int32_t* bias,
               const int32_t* multipliers, const QAddend& addend, int8_t* y, cudaStream_t stream);

/// Layouts of two operands, which broadcast, and of the result.
using QOperands = Strided<3>;
/// The difference where `subtract`.
void qadd(const QOperands& operands, bool subtract, const tuco_addition& addition, const int8_t* a,
          const int8_t* b, int8_t* y, cudaStream_t stream);
void qmultiply(const QOperands& operands, const tuco_multiplication& multiplication,
               const int8_t* a, const int8_t* b, int8_t* y, cudaStream_t stream);
/// The range [low, high] is what an activation leaves.
void qrectify(const QOperands& operands, const tuco_rectification& rectification, int32_t low,
              int32_t high, const int8_t* a, const int8_t* b, int8_t* y, cudaStream_t stream);

/// The mean, or sum, over the middle of (outer, reduced, inner).
struct QMeanSizes {
  int64_t outer = 1, reduced = 1, inner = 1;
};
void qmean(const QMeanSizes& sizes, int32_t in_zero_point, int32_t multiplier, int32_t shift,
           const QOutput& out, const int8_t* x, int8_t* y, cudaStream_t stream);

void qmax_pool(const PoolSizes& sizes, int32_t low, int32_t high, const int8_t* x, int8_t* y,
               cudaStream_t stream);
void qaverage_pool(const PoolSizes& sizes, bool count_include_pad, int32_t zero_point, int32_t low,
                   int32_t high, const int8_t* x, int8_t* y, cudaStream_t stream);

/// y = table[x + 128].
void qlookup(int64_t size, const int8_t* x, const int8_t* table, int8_t* y, cudaStream_t stream);
void qsoftmax(int64_t rows, int64_t depth, const int8_t* x, const int32_t* table, int8_t* y,
              cudaStream_t stream);

/// An LSTM's sequences (n, steps, inputs) and what belongs to them, as tuco_lstm_plain has it.
/// States are (units) apart from sequence to sequence, or the same for all.
struct QLstmCall {
  int64_t sequences;
  int32_t steps, inputs, units;
  bool shared_hidden, shared_cell;
  const int8_t *x, *first_hidden;
  const int16_t* first_cell;
  const int8_t* weights;
  const int32_t *bias, *numbers;
  /// y and hidden may be null; cell may not.
  int8_t *y, *hidden;
  int16_t* cell;
};
/// The most inputs and twice units in all: a block has them in its shared memory.
inline constexpr int64_t kQLstmRoom = 47 << 10;
void qlstm(const QLstmCall& call, cudaStream_t stream);

void quantize_linear(int64_t size, float scale, int32_t zero_point, const float* x, int8_t* y,
                     cudaStream_t stream);
void dequantize_linear(int64_t size, float scale, int32_t zero_point, const int8_t* x, float* y,
                       cudaStream_t stream);

}  // namespace tuco::cuda
