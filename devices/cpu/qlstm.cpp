// The int8 layer of long short-term memory: the device runtime's kernel, example by example.
#include <cstring>

#include "tuco/core/error.h"
#include "tuco/core/parallel.h"
#include "tuco/deploy/runtime/lstm.h"
#include "tuco/devices/cpu/kernels.h"
#include "tuco/devices/cpu/scratch.h"

namespace tuco::cpu {

void run(const op::QLstm&, Inputs in, Out out, Workspace&) {
  const Shape& x = in[0].shape();
  const int64_t units = in[3].dim(0);
  require<ShapeError>(in[5].numel() * sizeof(int32_t) == sizeof(tuco_lstm_numbers),
                      "qlstm: {} numbers, expected {}", in[5].numel(),
                      sizeof(tuco_lstm_numbers) / sizeof(int32_t));
  tuco_lstm_numbers numbers;
  std::memcpy(&numbers, ptr<int32_t>(in[5]), sizeof numbers);
  require<ShapeError>(
      numbers.steps == x[1] && numbers.inputs == x[2] && numbers.units == units,
      "qlstm: numbers for {} steps of {} and {} units, of which there are {} of {} and {}",
      numbers.steps, numbers.inputs, numbers.units, x[1], x[2], units);
  const auto first = [&](auto* values, const Tensor& tensor, int64_t example) {
    return values + (tensor.dim(0) == 1 ? 0 : example * units);
  };
  parallel_for(0, x[0], 1, [&](int64_t begin, int64_t end) {
    Scratch scratch;
    auto* memory = scratch.get<int16_t>(tuco_lstm_scratch(numbers.inputs, numbers.units) / 2);
    // Nobody may read a result.
    const auto result = [&]<class T>(Tensor& tensor, int64_t example, int64_t size) {
      return tensor.defined() ? ptr<T>(tensor) + example * size : scratch.get<T>(size);
    };
    for (int64_t n = begin; n < end; ++n)
      tuco_lstm_plain(
          result.operator()<int8_t>(out[0], n, x[1] * units), ptr<int8_t>(in[0]) + n * x[1] * x[2],
          result.operator()<int8_t>(out[1], n, units), result.operator()<int16_t>(out[2], n, units),
          first(ptr<int8_t>(in[1]), in[1], n), first(ptr<int16_t>(in[2]), in[2], n), memory,
          ptr<int8_t>(in[3]), ptr<int32_t>(in[4]), &numbers);
  });
}

}  // namespace tuco::cpu
