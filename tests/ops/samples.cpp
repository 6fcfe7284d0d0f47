#include "tests/ops/samples.h"

#include <numeric>

#include "tuco/autograd/grad_mode.h"
#include "tuco/autograd/run_op.h"
#include "tuco/core/rng.h"

namespace tuco::test {

Tensor spread(const Shape& shape, uint64_t seed, double low, double high) {
  const auto count = static_cast<uint32_t>(shape.numel());
  std::vector<double> values(count);
  for (uint32_t i = 0; i < count; ++i)
    values[i] = low + (high - low) * (i + 0.3 + 0.02 * static_cast<double>(seed % 7)) / count;
  Rng rng(seed);
  for (uint32_t i = count; i > 1; --i) std::swap(values[i - 1], values[rng.below(i)]);
  return from_values(values, shape);
}

Tensor coins(const Shape& shape, uint64_t seed) {
  Rng rng(seed);
  std::vector<bool> values(shape.numel());
  for (size_t i = 0; i < values.size(); ++i) values[i] = rng.chance(0.5f);
  return from_values(values, shape);
}

Outputs results(const op::Any& op, const std::vector<Tensor>& inputs) {
  NoGrad quiet;
  return run_op(op, inputs);
}

// The point-wise ops: the same shapes for all, values where the formula is smooth.
namespace {

template <class Op>
struct Range {
  double low = -2, high = 2;
};
template <>
struct Range<op::Log> {
  double low = 0.2, high = 4;
};
template <>
struct Range<op::Sqrt> : Range<op::Log> {};
template <>
struct Range<op::HardSwish> {
  double low = -5, high = 5;
};

template <class Op>
std::vector<Op> variants() {
  if constexpr (std::is_same_v<Op, op::Affine>)
    return {{2.5, -1}, {-1, 0}, {1, 3}};
  else if constexpr (std::is_same_v<Op, op::Power>)
    return {{2}, {1}, {3}, {0}};
  else if constexpr (std::is_same_v<Op, op::Clamp>)
    return {{-1, 1}, {.low = -0.5}, {0, 6}};
  else if constexpr (std::is_same_v<Op, op::LeakyRelu>)
    return {{0.01}, {0}, {-0.5}, {1.5}};
  else
    return {{}};
}

/// For powers that are no polynomials.
template <class Op>
Samples on_positive_numbers() {
  Samples list;
  if constexpr (std::is_same_v<Op, op::Power>)
    for (const double exponent : {-1.0, 0.5, -1.5})
      list.push_back({op::Power{exponent}, {spread({3, 5}, 7, 0.3, 3)}, {0}});
  return list;
}

}  // namespace

template <op::Unary Op>
Samples samples(Tag<Op>) {
  const auto [low, high] = Range<Op>{};
  Samples list = on_positive_numbers<Op>();
  for (const Op& op : variants<Op>())
    list.push_back({op, {spread({2, 3, 7}, 1, low, high)}, {0}});
  list.push_back({variants<Op>()[0], {spread({}, 2, low, high)}});
  list.push_back({variants<Op>()[0], {spread({1, 67}, 3, low, high)}});
  return list;
}

template <op::Unary Op>
Samples samples(Tag<op::UnaryGrad<Op>>) {
  Samples list;
  for (const Sample& sample : samples(Tag<Op>{})) {
    const Tensor saved =
        Op::grad_from == op::From::input ? sample.inputs[0] : results(sample.op, sample.inputs)[0];
    list.push_back({op::UnaryGrad<Op>{std::get<Op>(sample.op)},
                    {spread(saved.shape(), 11), saved},
                    sample.batched.empty() ? std::vector<int>{} : std::vector<int>{0, 1}});
  }
  return list;
}

template <op::Binary Op>
Samples samples(Tag<Op>) {
  return {{Op{}, {spread({3, 5}, 1), spread({3, 5}, 2, 0.5, 3)}, {0, 1}},
          {Op{}, {spread({2, 3, 4}, 1), spread({3, 1}, 2, 0.5, 3)}, {0}},
          {Op{}, {spread({4}, 3), spread({2, 3, 1}, 4, 0.5, 3)}, {1}},
          {Op{}, {spread({2, 3}, 3), spread({}, 4, 0.5, 3)}, {0}},
          {Op{}, {spread({}, 3), spread({}, 5, 0.5, 3)}},
          {Op{}, {spread({5, 33}, 3), spread({33}, 5, 0.5, 3)}, {0}}};
}

template <op::Compare Op>
Samples samples(Tag<Op>) {
  const Tensor a = from_values<double>({1, 2, 3, 4, 5, 6}, {2, 3});
  const Tensor b = from_values<double>({1, 3, 2, 4, 6, 5}, {2, 3});
  return {{Op{}, {a, b}, {0, 1}},
          {Op{}, {a, from_values<double>({2, 2, 4}, {3})}, {0}},
          {Op{}, {from_values<double>({3}, {}), b}, {1}}};
}

namespace {

template <class Op>
using Maker = Samples (*)(Tag<Op>);
template <class... U, class... B, class... C>
auto instantiate(op::TypeList<U...>, op::TypeList<B...>, op::TypeList<C...>) {
  return std::tuple{Maker<U>(samples)..., Maker<op::UnaryGrad<U>>(samples)...,
                    Maker<B>(samples)..., Maker<C>(samples)...};
}
[[maybe_unused]] const auto kInstances =
    instantiate(op::UnaryList{}, op::BinaryList{}, op::CompareList{});

}  // namespace
}  // namespace tuco::test
