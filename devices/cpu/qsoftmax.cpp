// Softmax of int8 from a table of exponentials; what follows them is the device runtime's own
// arithmetic (deploy/runtime/softmax.h).
#include "tuco/core/parallel.h"
#include "tuco/deploy/runtime/fixed_point.h"
#include "tuco/devices/cpu/kernels.h"

namespace tuco::cpu {

void run(const op::QSoftmax&, Inputs in, Out out, Workspace&) {
  const int8_t* x = ptr<int8_t>(in[0]);
  const int32_t* table = ptr<int32_t>(in[1]);
  int8_t* y = ptr<int8_t>(out[0]);
  const int64_t depth = out[0].shape().back(), rows = depth ? out[0].numel() / depth : 0;
  parallel_for(0, rows, 1 + kGrain / (16 * depth + 1), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const int8_t* from = x + row * depth;
      int32_t largest = -128;
      for (int64_t i = 0; i < depth; ++i) largest = std::max<int32_t>(largest, from[i]);
      int32_t sum = 0;  // with 12 integer bits
      for (int64_t i = 0; i < depth; ++i) sum += tuco_rounded_shift(table[largest - from[i]], 12);
      const int headroom = sum > 0 ? __builtin_clz(static_cast<uint32_t>(sum)) : 0;
      const uint32_t mantissa = static_cast<uint32_t>(sum) << headroom;
      const int32_t scale = tuco_reciprocal(static_cast<int32_t>(mantissa & INT32_MAX));
      const int32_t exponent = 35 - headroom;
      for (int64_t i = 0; i < depth; ++i) {
        const int32_t share = tuco_high_product(scale, table[largest - from[i]]);
        const int32_t value = exponent <= 31 ? tuco_rounded_shift(share, exponent) : 0;
        y[row * depth + i] = static_cast<int8_t>(std::min(value - 128, 127));
      }
    }
  });
}

}  // namespace tuco::cpu
