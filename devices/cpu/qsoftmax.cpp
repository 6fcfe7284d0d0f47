// Softmax of int8 from a table of exponentials.
#include "tuco/core/parallel.h"
#include "tuco/devices/cpu/kernels.h"
#include "tuco/devices/qsoftmax_formulas.h"

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
      int32_t sum = 0;
      for (int64_t i = 0; i < depth; ++i) sum += qsoftmax_term(table[largest - from[i]]);
      const QSoftmaxScale scale = qsoftmax_scale(sum);
      for (int64_t i = 0; i < depth; ++i)
        y[row * depth + i] = qsoftmax_share(scale, table[largest - from[i]]);
    }
  });
}

}  // namespace tuco::cpu
