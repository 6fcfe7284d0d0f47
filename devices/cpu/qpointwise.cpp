// Point-wise ops on int8, softmax, and the way between float32 and int8.
#include "tuco/core/parallel.h"
#include "tuco/deploy/runtime/fixed_point.h"
#include "tuco/devices/cpu/kernels.h"

namespace tuco::cpu {

void run(const op::QAdd& op, Inputs in, Out out, Workspace&) {
  const int8_t *a = ptr<int8_t>(in[0]), *b = ptr<int8_t>(in[1]);
  int8_t* y = ptr<int8_t>(out[0]);
  const auto scaled = [rounding = static_cast<int32_t>(op.out.rounding)](int32_t x, Multiplier m) {
    return tuco_scaled(x, m.value, m.shift, rounding);
  };
  for (int64_t i = 0; i < out[0].numel(); ++i) {
    const int32_t sum = scaled((a[i] - op.a_zero_point) * (1 << 20), op.a) +
                        scaled((b[i] - op.b_zero_point) * (1 << 20), op.b);
    y[i] = static_cast<int8_t>(
        tuco_clamped(scaled(sum, op.sum) + op.out.zero_point, op.out.low, op.out.high));
  }
}

void run(const op::QLookup&, Inputs in, Out out, Workspace&) {
  const int8_t *x = ptr<int8_t>(in[0]), *table = ptr<int8_t>(in[1]);
  int8_t* y = ptr<int8_t>(out[0]);
  parallel_for(0, out[0].numel(), kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) y[i] = table[x[i] + 128];
  });
}

// The table's exponentials stand for what the runtime's softmax (deploy/runtime/softmax.h) computes
// for each element.
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

void run(const op::QuantizeLinear& op, Inputs in, Out out, Workspace&) {
  const float* x = ptr<float>(in[0]);
  int8_t* y = ptr<int8_t>(out[0]);
  parallel_for(0, out[0].numel(), kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float q = std::round(x[i] / op.scale) + static_cast<float>(op.zero_point);
      y[i] = static_cast<int8_t>(q > -128 ? std::min(q, 127.0f) : -128);
    }
  });
}

void run(const op::DequantizeLinear& op, Inputs in, Out out, Workspace&) {
  const int8_t* x = ptr<int8_t>(in[0]);
  float* y = ptr<float>(out[0]);
  parallel_for(0, out[0].numel(), kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      y[i] = static_cast<float>(x[i] - op.zero_point) * op.scale;
  });
}

}  // namespace tuco::cpu
