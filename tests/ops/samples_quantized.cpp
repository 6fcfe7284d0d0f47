// Samples of the int8 ops. Their numbers are held against the reference interpreter in
// tests/deploy/int8_ops_test.cpp.
#include "tests/ops/samples.h"
#include "tuco/core/rng.h"

namespace tuco::test {
namespace {

template <class T>
Tensor integers(const Shape& shape, uint64_t seed, int64_t low, int64_t high) {
  Rng rng(seed);
  std::vector<T> values(shape.numel());
  for (T& v : values)
    v = static_cast<T>(low +
                       static_cast<int64_t>(rng.below(static_cast<uint32_t>(high - low + 1))));
  return from_values(values, shape);
}

Tensor int8s(const Shape& shape, uint64_t seed) { return integers<int8_t>(shape, seed, -128, 127); }

/// x, weight, bias and multipliers of a product.
std::vector<Tensor> product(const Shape& x, const Shape& weight) {
  std::vector<int32_t> multipliers;
  for (int64_t o = 0; o < weight[0]; ++o) {
    multipliers.push_back(static_cast<int32_t>((1 << 30) + o * 12345678));
    multipliers.push_back(static_cast<int32_t>(-6 - o % 3));
  }
  return {int8s(x, 1), integers<int8_t>(weight, 2, -127, 127),
          integers<int32_t>({weight[0]}, 3, -999, 999), from_values(multipliers, {weight[0], 2})};
}

}  // namespace

Samples samples(Tag<op::QConv2d>) {
  const op::Requantize out{5, -100, 120, Rounding::kDouble};
  return {{op::QConv2d{{.stride = 2, .padding = {1, 0, 2, 1}}, -3, out},
           product({2, 5, 6, 3}, {7, 3, 3, 3}),
           {0}},
          {op::QConv2d{{.padding = 1, .groups = 4}, 127, out},
           product({1, 4, 4, 4}, {4, 3, 3, 1}),
           {0}},
          {op::QConv2d{{.groups = 2}, -128, {0, -128, 127, Rounding::kSingle}},
           product({1, 3, 3, 4}, {6, 1, 1, 2}),
           {0}}};
}

Samples samples(Tag<op::QConv2dAdd>) {
  const op::QConv2d conv{{.stride = 2, .padding = {1, 0, 2, 1}}, -3, {5, -100, 120}};
  const op::QConv2d depthwise{{.padding = 1, .groups = 4}, 127, {5, -100, 120}};
  const op::QAdd add{5, -4, {1 << 30, 0}, {1500000000, -2}, {1100000000, -18}, {6, -110, 127}};
  auto inputs = product({2, 5, 6, 3}, {7, 3, 3, 3}),
       depthwise_inputs = product({1, 4, 4, 4}, {4, 3, 3, 1});
  inputs.push_back(int8s({2, 2, 4, 7}, 4));
  depthwise_inputs.push_back(int8s({1, 4, 4, 4}, 4));
  return {{op::QConv2dAdd{conv, add}, inputs, {0, 4}},
          {op::QConv2dAdd{depthwise, add}, depthwise_inputs, {0, 4}}};
}

Samples samples(Tag<op::QLinear>) {
  return {{op::QLinear{7, {-9, -128, 127, Rounding::kDouble}}, product({3, 11}, {5, 11}), {0}},
          {op::QLinear{0, {1, -4, 60, Rounding::kSingle}}, product({2, 2, 4}, {17, 4}), {0}}};
}

namespace {

const op::QAdd kSum{3, -4, {1 << 30, 0}, {1500000000, -2}, {1100000000, -18}, {6, -110, 127}};

/// Operands of one shape, and such as broadcast.
template <class Op>
Samples with_operands(const Op& op) {
  return {{op, {int8s({3, 5, 7}, 1), int8s({3, 5, 7}, 2)}, {0, 1}},
          {op, {int8s({3, 5, 7}, 1), int8s({7}, 2)}, {0}},
          {op, {int8s({2, 5, 1}, 1), int8s({2, 1, 70}, 2)}, {0, 1}},
          {op, {int8s({}, 1), int8s({2, 301}, 2)}, {1}}};
}

}  // namespace

Samples samples(Tag<op::QAdd>) { return with_operands(kSum); }
Samples samples(Tag<op::QSub>) { return with_operands(op::QSub{kSum}); }
Samples samples(Tag<op::QMul>) {
  return with_operands(op::QMul{-7, 100, {1900000000, -8}, {-3, -100, 127}});
}
Samples samples(Tag<op::QPRelu>) {
  return with_operands(op::QPRelu{-7, 100, {1900000000, -1}, {1500000000, -7}, {-3}});
}

Samples samples(Tag<op::QMean>) {
  return {{op::QMean{{{1, 2}, false}, 3, {1200000000, -4}, {-7}}, {int8s({2, 3, 4, 5}, 1)}, {0}},
          {op::QMean{{{2}, true}, -3, {1200000000, -2}, {0}}, {int8s({2, 3, 4}, 1)}, {0}}};
}

Samples samples(Tag<op::QMaxPool2d>) {
  const op::PoolWindow window{.kernel = 3, .stride = 2, .padding = 1};
  return {{op::QMaxPool2d{window}, {int8s({2, 6, 5, 3}, 1)}, {0}},
          {op::QMaxPool2d{window, -5, 60}, {int8s({2, 6, 5, 3}, 1)}, {0}}};
}

Samples samples(Tag<op::QAvgPool2d>) {
  const op::PoolWindow window{.kernel = 3, .stride = 2, .padding = {1, 0, 1, 1}, .ceil_mode = true};
  op::PoolWindow counting = window;
  counting.count_include_pad = true;
  return {{op::QAvgPool2d{window, 5}, {int8s({2, 6, 5, 3}, 1)}, {0}},
          {op::QAvgPool2d{counting, 5}, {int8s({2, 6, 5, 3}, 1)}, {0}},
          {op::QAvgPool2d{window, 5, -9, 30}, {int8s({2, 6, 5, 3}, 1)}, {0}}};
}

Samples samples(Tag<op::QLookup>) {
  return {{op::QLookup{}, {int8s({3, 70}, 1), int8s({256}, 2)}, {0}}};
}

Samples samples(Tag<op::QSoftmax>) {
  std::vector<int32_t> table;
  for (int d = 0; d < 256; ++d) table.push_back(d < 200 ? INT32_MAX >> d / 8 : 0);
  return {{op::QSoftmax{}, {int8s({4, 10}, 1), from_values(table, {256})}, {0}}};
}

Samples samples(Tag<op::QLstm>) {
  // The members of tuco_lstm_numbers: sizes, multipliers and shifts of four gates for inputs and
  // for hidden values, of forget gate, update and output, tanh, bounds of cells, zero point,
  // rounding.
  const auto make = [](int32_t steps, int32_t inputs, int32_t units, int64_t states) {
    constexpr int32_t kHalf = 1 << 30;
    const std::vector<int32_t> numbers = {
        steps, inputs, units, kHalf, kHalf + 9, kHalf, kHalf, -3, -2,    -3,  -3,
        kHalf, kHalf,  kHalf, kHalf, -2,        -3,    -2,    -2, kHalf, -14, kHalf,
        -17,   kHalf,  -22,   3,     0,         -9000, 9000,  -5, 0};
    const int32_t row = 4 * ((inputs + 3) / 4 * 4 + (units + 3) / 4 * 4);
    return std::vector<Tensor>{int8s({2, steps, inputs}, 1),
                               int8s({states, units}, 2),
                               integers<int16_t>({states, units}, 3, -8000, 8000),
                               integers<int8_t>({units, row}, 4, -127, 127),
                               integers<int32_t>({units, 8}, 5, -9999, 9999),
                               from_values(numbers, {1, static_cast<int64_t>(numbers.size())})};
  };
  return {{op::QLstm{}, make(3, 5, 7, 2), {0, 1, 2}}, {op::QLstm{}, make(1, 8, 3, 1), {0}}};
}

Samples samples(Tag<op::DequantizeLinear>) {
  return {{op::DequantizeLinear{{0.25f, -7}}, {int8s({3, 9}, 1)}, {0}}};
}

}  // namespace tuco::test
