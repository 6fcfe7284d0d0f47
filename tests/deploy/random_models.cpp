#include "tests/deploy/random_models.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/deploy/random_draws.h"
#include "tuco/autograd/functions.h"
#include "tuco/core/error.h"
#include "tuco/core/ops/conv2d.h"
#include "tuco/core/ops/pool2d.h"
#include "tuco/core/ops/resize.h"

namespace tuco::test {

Tensor random_integers(const Shape& shape, Rng& rng, int low, int high) {
  std::vector<int8_t> values(shape.numel());
  for (int8_t& v : values)
    v = static_cast<int8_t>(low +
                            static_cast<int>(rng.below(static_cast<uint32_t>(high - low + 1))));
  return from_values(values, shape);
}

namespace {

class RandomModel : Draws {
 public:
  explicit RandomModel(uint64_t seed) : Draws(seed) {}

  deploy::QuantizedModel make() {
    const bool image = rng_.below(6) != 0;
    const Shape shape =
        image ? Shape{1, between(1, 11), between(1, 12), between(1, 9)} : Shape{1, between(1, 70)};
    values_ = {add_value(shape, any_quantization())};
    graph_.inputs = values_;
    for (int64_t left = between(1, 6), tries = 0; left > 0 && tries < 60; ++tries) {
      // Most ops go on from the last value, some from an earlier one.
      const int from = rng_.below(5) ? values_.back() : values_[below(values_.size())];
      const Rule rule = rules()[below(rules().size())];
      try {
        (this->*rule)(from);
        --left;
      } catch (const ShapeError&) {  // a window that is larger than the image
      } catch (const Unfit&) {
      }
    }
    require<Error>(!graph_.nodes.empty(), "a random model without ops");
    graph_.outputs = {values_.back()};
    graph_.remove_unused();
    return {graph_, Rounding::kDouble};
  }

 private:
  /// The op does not take such a value.
  struct Unfit {};
  using Rule = void (RandomModel::*)(int from);
  static const std::vector<Rule>& rules() {
    using R = RandomModel;
    static const std::vector<Rule> all = {
        &R::conv,  &R::conv,  &R::depthwise, &R::grouped,    &R::linear,  &R::linear,
        &R::add,   &R::add,   &R::subtract,  &R::multiply,   &R::choose,  &R::pool,
        &R::pool,  &R::mean,  &R::concat,    &R::pad,        &R::reshape, &R::permute,
        &R::slice, &R::slice, &R::resize,    &R::hard_swish, &R::leaky,   &R::relu,
        &R::clamp, &R::fixed, &R::softmax,   &R::sum,        &R::prelu,   &R::prelu,
        &R::elu,   &R::abs,   &R::rsqrt,     &R::square,     &R::affine,  &R::lstm,
        &R::remember};
    return all;
  }

  const Shape& shape(int v) const { return graph_.values[v].meta.shape; }
  float scale(int v) const { return graph_.values[v].quantization->scale[0]; }
  const Quantization& quantization(int v) const { return *graph_.values[v].quantization; }
  void want(bool fits) const {
    if (!fits) throw Unfit{};
  }

  Quantization any_quantization() {
    return quantization_near(rng_.below(12) ? octaves(-14, 4) : octaves(-40, 30));
  }

  int add_value(const Shape& sizes, const Quantization& q) {
    return graph_.add_value(
        {fmt::format("v{}", graph_.values.size()), {sizes, DType::int8}, {}, q});
  }
  std::optional<op::Clamp> activation(const Quantization& q) {
    switch (rng_.below(7)) {
      case 0:
        return op::Clamp{-1, 1};
      case 1:
        return op::Clamp{.low = 0};
      case 2:
        return op::Clamp{0, 6};
      case 3: {
        // Somewhere in the range, not at an integer.
        const double low = q.scale[0] * rng_.uniform(-130, 50);
        return op::Clamp{low, low + q.scale[0] * rng_.uniform(3, 150)};
      }
      default:
        return {};
    }
  }
  void give(const op::Any& op, std::vector<int> inputs, const Shape& sizes, const Quantization& q,
            const std::optional<op::Clamp>& clamp = {}) {
    want(sizes.numel() <= 20000);
    const int result = add_value(sizes, q);
    graph_.nodes.push_back(
        {op, std::move(inputs), {result}, fmt::format("n{}", graph_.nodes.size()), clamp});
    values_.push_back(result);
  }

  /// Weight and perhaps bias for products of `depth`, and a scale for the result that they suit.
  Quantization add_weights(std::vector<int>& inputs, const Shape& sizes) {
    const int64_t channels = sizes[0], depth = sizes.numel() / channels;
    const Tensor weight = random_integers(sizes, rng_, rng_.below(4) ? -127 : -128);
    const double typical = octaves(-14, 2);
    Quantization q{{}, std::vector<int32_t>(channels, 0), 0};
    const bool single = rng_.below(3) == 0;
    for (int64_t c = 0; c < channels; ++c)
      q.scale.push_back(single && c ? q.scale[0] : static_cast<float>(typical * octaves(-3, 3)));
    inputs.push_back(
        graph_.add_value({fmt::format("w{}", graph_.values.size()), weight.meta(), weight, q}));
    // Sums are some 4000 * sqrt(depth); now and then all, or none, saturate.
    const double spread = 4000 * std::sqrt(static_cast<double>(depth));
    const double result = scale(inputs[0]) * typical * spread / octaves(3, rng_.below(4) ? 7 : 13);
    if (rng_.below(5)) {
      std::vector<int32_t> bias(channels);
      Quantization of_bias = q;
      for (int64_t c = 0; c < channels; ++c) {
        bias[c] = static_cast<int32_t>(spread * rng_.uniform(-2, 2));
        of_bias.scale[c] *= scale(inputs[0]);
      }
      const Tensor tensor = from_values(bias, {channels});
      inputs.push_back(graph_.add_value(
          {fmt::format("b{}", graph_.values.size()), tensor.meta(), tensor, of_bias}));
    }
    return quantization_near(result);
  }

  Padding any_padding(const Shape& x, Hw kernel, Hw stride, Hw dilation) {
    const auto same = [](int64_t size, int64_t k, int64_t s, int64_t d) {
      return std::max<int64_t>(0, ((size + s - 1) / s - 1) * s + (k - 1) * d + 1 - size);
    };
    const int64_t h = same(x[1], kernel.h, stride.h, dilation.h),
                  w = same(x[2], kernel.w, stride.w, dilation.w);
    switch (rng_.below(4)) {
      case 0:
        return {between(0, 2), between(0, 2), between(0, 2), between(0, 2)};
      case 1:
        return 0;
      default:
        return {h / 2, h - h / 2, w / 2, w - w / 2};
    }
  }
  void convolve(int from, int64_t groups, int64_t out) {
    const Shape x = shape(from);
    const Hw kernel(between(1, 4), between(1, 4));
    op::Conv2d conv{.stride = {between(1, 3), between(1, 3)}, .groups = groups};
    if (rng_.below(3) == 0) conv.dilation = {between(1, 3), between(1, 3)};
    conv.padding = any_padding(x, kernel, conv.stride, conv.dilation);
    const Shape weight{out, kernel.h, kernel.w, x[3] / groups};
    const WindowGeometry g = geometry(conv, x, weight);
    std::vector<int> inputs = {from};
    const Quantization q = add_weights(inputs, weight);
    give(conv, inputs, {1, g.out_h, g.out_w, g.out_c}, q, activation(q));
  }
  void conv(int from) {
    want(shape(from).rank() == 4);
    convolve(from, 1, between(1, 17));
  }
  void depthwise(int from) {
    want(shape(from).rank() == 4);
    convolve(from, shape(from)[3], shape(from)[3] * between(1, 3));
  }
  void grouped(int from) {
    want(shape(from).rank() == 4 && shape(from)[3] % 2 == 0 && shape(from)[3] > 2);
    convolve(from, 2, 2 * between(1, 6));
  }
  void linear(int from) {
    Shape sizes = shape(from);
    want(sizes.rank() == 2 || rng_.below(3) == 0);
    std::vector<int> inputs = {from};
    const Quantization q = add_weights(inputs, {between(1, 20), sizes.back()});
    sizes[sizes.rank() - 1] = graph_.values[inputs[1]].meta.shape[0];
    give(op::Linear{}, inputs, sizes, q, activation(q));
  }
  /// A constant that broadcasts to a value: of size 1 in some dimensions, or without those in
  /// front.
  int constant_beside(int from, const Quantization& q) {
    const Shape whole = shape(from);
    Shape sizes;
    for (int i = static_cast<int>(between(0, whole.rank())); i < whole.rank(); ++i)
      sizes.push_back(i > 0 && rng_.below(2) ? whole[i] : 1);
    const Tensor tensor = random_integers(sizes, rng_);
    return graph_.add_value({fmt::format("c{}", graph_.values.size()), tensor.meta(), tensor, q});
  }
  /// A value that broadcasts with another, that itself perhaps.
  int value_beside(int from) {
    std::vector<int> fitting;
    for (const int v : values_) {
      bool fits = shape(v).rank() == shape(from).rank();
      for (int i = 0; fits && i < shape(v).rank(); ++i)
        fits = shape(v)[i] == shape(from)[i] || shape(v)[i] == 1 || shape(from)[i] == 1;
      if (fits) fitting.push_back(v);
    }
    return fitting[below(fitting.size())];
  }
  Shape broadcast(const std::vector<int>& inputs) const {
    Shape a = shape(inputs[0]), b = shape(inputs[1]);
    if (a.rank() < b.rank()) std::swap(a, b);
    for (int i = 1; i <= b.rank(); ++i)
      a[a.rank() - i] = std::max(a[a.rank() - i], b[b.rank() - i]);
    return a;
  }
  /// A value and what it is combined with, in either order.
  std::vector<int> operands(int from) {
    std::vector<int> inputs = {
        from, rng_.below(3) ? value_beside(from) : constant_beside(from, near_that_of(from))};
    if (rng_.below(2)) std::swap(inputs[0], inputs[1]);
    return inputs;
  }
  Quantization near_that_of(int v) { return quantization_near(scale(v) * octaves(-6, 6)); }
  void add_or_subtract(const op::Any& op, int from) {
    const auto inputs = operands(from);
    const Quantization q = quantization_near((scale(inputs[0]) + scale(inputs[1])) *
                                             octaves(-2, rng_.below(6) ? 1 : 9));
    give(op, inputs, broadcast(inputs), q, activation(q));
  }
  void add(int from) { add_or_subtract(op::Add{}, from); }
  void subtract(int from) { add_or_subtract(op::Sub{}, from); }
  void multiply(int from) {
    const auto inputs = operands(from);
    const double product = double{scale(inputs[0])} * double{scale(inputs[1])};
    const Quantization q =
        quantization_near(product * (rng_.below(4) ? octaves(4, 9) : octaves(-3, 17)));
    want(std::isnormal(q.scale[0]));
    give(op::Mul{}, inputs, broadcast(inputs), q, activation(q));
  }
  /// The larger or the smaller, of one scale.
  void choose(int from) {
    std::vector<int> inputs = {from, 0};
    if (rng_.below(2)) {
      inputs[1] = constant_beside(from, quantization(from));
    } else {
      inputs[1] = value_beside(from);
      if (!(quantization(inputs[1]) == quantization(from))) {
        want(scale(inputs[1]) < 0x1p25f * scale(from));
        give(op::Clamp{}, {inputs[1]}, shape(inputs[1]), quantization(from));
        inputs[1] = values_.back();
      }
    }
    if (rng_.below(2)) std::swap(inputs[0], inputs[1]);
    const op::Any op = rng_.below(2) ? op::Any(op::Maximum{}) : op::Any(op::Minimum{});
    give(op, inputs, broadcast(inputs), quantization(from));
  }
  void prelu(int from) {
    const bool computed = rng_.below(3) == 0;
    const int slope =
        computed ? value_beside(from) : constant_beside(from, quantization_near(octaves(-12, -5)));
    const std::vector<int> inputs = {from, slope};
    want(broadcast(inputs) == shape(from));
    // Some 60 of the slope's steps are typical.
    const Quantization q = quantization_near(
        scale(from) * std::max(rng_.below(2) ? 1.0 : 0.0, 60.0 * double{scale(slope)}) *
        octaves(-4, 4));
    want(std::isnormal(q.scale[0]));
    give(op::PRelu{}, inputs, shape(from), q);
  }
  void elu(int from) { give(op::Elu{}, {from}, shape(from), rescaled(from)); }
  void abs(int from) {
    give(op::Abs{}, {from}, shape(from),
         rng_.below(4) ? rescaled(from) : quantization_near(scale(from)));
  }
  void rsqrt(int from) {
    // TFLite Micro stops at negative numbers.
    Quantization q = quantization(from);
    if (q.zero_point[0] != -128) {
      q.zero_point[0] = -128;
      give(op::Clamp{}, {from}, shape(from), q);
      from = values_.back();
    }
    give(op::Power{-0.5}, {from}, shape(from),
         quantization_near(1 / std::sqrt(double{scale(from)}) / octaves(2, 9)));
  }
  void square(int from) {
    const Quantization q = quantization_near(std::pow(double{scale(from)}, 2) * octaves(2, 9));
    want(std::isnormal(q.scale[0]));
    give(op::Power{2}, {from}, shape(from), q);
  }
  void affine(int from) {
    const double factors[] = {0, 1, -1, rng_.uniform(-3, 3), -octaves(-6, 6)},
                 shifts[] = {0, scale(from) * rng_.uniform(-300, 300)};
    const op::Affine affine{factors[rng_.below(5)], shifts[rng_.below(2)]};
    const double typical =
        scale(from) * std::abs(affine.scale) + std::abs(affine.shift) / octaves(5, 8);
    give(affine, {from}, shape(from),
         typical > 0 ? quantization_near(typical * octaves(-2, 2)) : rescaled(from));
  }
  void permute(int from) {
    const Shape x = shape(from);
    want(x.rank() > 2);
    op::Permute permute;
    for (int i = 0; i < x.rank(); ++i) permute.order.push_back(i);
    for (int i = x.rank() - 1; i > 1; --i)
      std::swap(permute.order[i], permute.order[static_cast<int>(between(1, i))]);
    Shape sizes;
    for (const int64_t dim : permute.order) sizes.push_back(x[static_cast<int>(dim)]);
    give(permute, {from}, sizes, quantization(from));
  }
  void slice(int from) {
    Shape sizes = shape(from);
    op::Slice slice{.dim = static_cast<int>(between(1, sizes.rank() - 1))};
    const int64_t size = sizes[slice.dim];
    slice.start = between(0, size - 1);
    slice.stop = between(slice.start + 1, size);
    slice.step = between(1, 4);
    sizes[slice.dim] = (slice.stop - slice.start + slice.step - 1) / slice.step;
    give(slice, {from}, sizes, quantization(from));
  }
  void resize(int from) {
    const Shape x = shape(from);
    want(x.rank() == 4);
    const op::ResizeNearest resize{.size = {between(1, 25), between(1, 25)},
                                   .align_corners = rng_.below(2) == 0,
                                   .half_pixel_centers = rng_.below(2) == 0};
    give(resize, {from}, {1, resize.size.h, resize.size.w, x[3]}, quantization(from));
  }
  void hard_swish(int from) {
    want(scale(from) < 0x1p24f);
    // Results of less than a 128th of the input's scale are no model.
    const Quantization q = quantization_near(scale(from) * octaves(-6.9, rng_.below(4) ? 1 : 9));
    give(op::HardSwish{}, {from}, shape(from), q);
  }
  void leaky(int from) {
    const double slopes[] = {0, -1, rng_.uniform(-1, 1), octaves(-30, 4)};
    give(op::LeakyRelu{static_cast<float>(slopes[rng_.below(4)])}, {from}, shape(from),
         rescaled(from));
  }
  void pool(int from) {
    const Shape x = shape(from);
    want(x.rank() == 4);
    op::PoolWindow window{.kernel = {between(1, 4), between(1, 4)},
                          .stride = {between(1, 3), between(1, 3)}};
    window.padding = any_padding(x, window.kernel, window.stride, 1);
    window.ceil_mode = rng_.below(4) == 0;
    const bool average = rng_.below(2) == 0;
    window.count_include_pad = average && rng_.below(3) == 0;
    const WindowGeometry g = geometry("pool", window, x);
    const op::Any op = average ? op::Any(op::AvgPool2d{window}) : op::Any(op::MaxPool2d{window});
    give(op, {from}, {1, g.out_h, g.out_w, g.out_c}, quantization(from),
         activation(quantization(from)));
  }
  template <class Reduction>
  void reduce(int from, const Quantization& q) {
    const Shape x = shape(from);
    Reduction reduction;
    reduction.keep = rng_.below(2) == 0;
    const bool plane = x.rank() == 4 && rng_.below(4) != 0;
    if (plane) {
      reduction.dims = {1, 2};
    } else {
      want(x.rank() > 2 || reduction.keep);
      reduction.dims = {between(1, x.rank() - 1)};
    }
    Shape sizes;
    for (int i = 0; i < x.rank(); ++i) {
      const bool gone = std::ranges::count(reduction.dims, i) > 0;
      if (!gone || reduction.keep) sizes.push_back(gone ? 1 : x[i]);
    }
    give(reduction, {from}, sizes, q);
  }
  void mean(int from) {
    reduce<op::Mean>(
        from, rng_.below(3) ? quantization_near(scale(from) * octaves(-3, 1)) : quantization(from));
  }
  void sum(int from) {
    reduce<op::Sum>(
        from, rng_.below(4) ? quantization_near(scale(from) * octaves(-2, 7)) : quantization(from));
  }
  void concat(int from) {
    const int dim = static_cast<int>(between(1, shape(from).rank() - 1));
    std::vector<int> parts = {from};
    for (const int v : values_) {
      bool fits = shape(v).rank() == shape(from).rank() && quantization(v) == quantization(from);
      for (int i = 0; fits && i < shape(from).rank(); ++i)
        fits = i == dim || shape(v)[i] == shape(from)[i];
      if (fits && parts.size() < 4) parts.push_back(v);
    }
    Shape sizes = shape(from);
    sizes[dim] = 0;
    for (const int v : parts) sizes[dim] += shape(v)[dim];
    give(op::Concat{dim}, parts, sizes, quantization(from));
  }
  void pad(int from) {
    const Shape x = shape(from);
    want(x.rank() == 4);
    op::Pad pad{{0, between(0, 2), between(0, 2), between(0, 1)},
                {0, between(0, 2), between(0, 2), between(0, 1)}};
    if (rng_.below(2)) pad.value = scale(from) * rng_.uniform(-300, 300);
    Shape sizes;
    for (int i = 0; i < 4; ++i) sizes.push_back(pad.before[i] + x[i] + pad.after[i]);
    give(pad, {from}, sizes, quantization(from));
  }
  void reshape(int from) {
    const int64_t elements = shape(from).numel();
    Shape sizes{1, elements};
    if (shape(from).rank() == 2) {
      int64_t height = between(1, 8);
      while (elements % height) --height;
      sizes = {1, height, 1, elements / height};
    }
    op::Reshape reshape{sizes};
    reshape.shape[0] = -1;
    give(reshape, {from}, sizes, quantization(from));
  }
  Quantization rescaled(int from) {
    return rng_.below(3) ? quantization_near(scale(from) * octaves(-4, 4)) : quantization(from);
  }
  void relu(int from) { give(op::Relu{}, {from}, shape(from), rescaled(from)); }
  void clamp(int from) {
    const Quantization q = rescaled(from);
    op::Clamp clamp = activation(q).value_or(op::Clamp{});
    if (rng_.below(4) == 0) clamp.low = -std::numeric_limits<double>::infinity();
    // Without bounds and a change of scale it would be nothing.
    want(std::isfinite(clamp.low) || std::isfinite(clamp.high) || !(q == quantization(from)));
    give(clamp, {from}, shape(from), q);
  }
  void fixed(int from) {
    want(scale(from) < 4);
    if (rng_.below(2))
      give(op::Tanh{}, {from}, shape(from), {{1.0f / 128}, {0}, -1});
    else
      give(op::Sigmoid{}, {from}, shape(from), {{1.0f / 256}, {-128}, -1});
  }
  void softmax(int from) {
    // TFLite Micro stops where 512 numbers share the maximum.
    want(scale(from) > 1e-5f && shape(from).back() < 512);
    give(op::Softmax{}, {from}, shape(from), {{1.0f / 256}, {-128}, -1});
  }

  /// A constant for the beginning of a state: mostly real zeros, as .tflite files have them.
  int initial(const Shape& sizes, const Quantization& q, DType dtype) {
    const Tensor values = rng_.below(16) ? full(sizes, q.zero_point[0], {dtype})
                                         : random_integers(sizes, rng_).to(dtype);
    return graph_.add_value({fmt::format("s{}", graph_.values.size()), values.meta(), values, q});
  }
  int add_state(const Shape& sizes, Quantization q, DType dtype) {
    const int first = initial(sizes, q, dtype);
    const int before =
        graph_.add_value({fmt::format("v{}", graph_.values.size()), {sizes, dtype}, {}, q});
    graph_.states.push_back({first, before, before});
    return before;
  }
  /// Joins a value with what it was in the last run, or with the last parts of what they were.
  void remember(int from) {
    const Shape x = shape(from);
    const int dim = static_cast<int>(between(1, x.rank() - 1));
    Shape before = x, all = x;
    before[dim] = rng_.below(2) ? x[dim] : between(1, 5);
    all[dim] += before[dim];
    want(all.numel() <= 20000);
    const int state = add_state(before, quantization(from), DType::int8);
    give(op::Concat{dim}, {state, from}, all, quantization(from));
    const int joined = values_.back();
    int after = from;
    if (!(before == x) || rng_.below(2)) {
      after = add_value(before, quantization(from));
      graph_.nodes.push_back(
          {op::Slice{.dim = dim, .start = all[dim] - before[dim], .stop = all[dim]},
           {joined},
           {after},
           "shift",
           {}});
    }
    for (Graph::State& s : graph_.states)
      if (s.before == state) s.after = after;
    values_.back() = joined;
  }
  void lstm(int from) {
    const int64_t elements = shape(from).numel();
    int64_t steps = between(1, 9);
    while (elements % steps) --steps;
    const int64_t inputs = elements / steps, units = between(1, 9);
    want(inputs <= 400);
    Quantization x = quantization(from);
    if (x.scale[0] < 0x1p-12f || x.scale[0] > 0x1p4f) {
      x = any_quantization();
      want(scale(from) < 0x1p25f * x.scale[0]);
      give(op::Clamp{}, {from}, shape(from), x);
      from = values_.back();
    }
    give(op::Reshape{{-1, steps, inputs}}, {from}, {1, steps, inputs}, x);
    const Quantization hidden = quantization_near(octaves(-9, -5));
    const Quantization cell{{static_cast<float>(std::exp2(between(-15, -6)))}, {0}, -1};
    std::vector<int> in = {values_.back()};
    // Gates of some units; now and then all of them saturate.
    const double reach = octaves(-2, rng_.below(4) ? 2 : 6);
    const auto weight = [&](const Shape& sizes, double of_input) {
      const Tensor w = random_integers(sizes, rng_, rng_.below(4) ? -127 : -128);
      Quantization q{{}, std::vector<int32_t>(sizes[0], 0), 0};
      const double typical = reach / (of_input * 4000 * std::sqrt(static_cast<double>(sizes[1])));
      for (int gate = 0; gate < 4; ++gate)
        q.scale.insert(q.scale.end(), units, static_cast<float>(typical * octaves(-1, 1)));
      in.push_back(graph_.add_value({fmt::format("w{}", graph_.values.size()), w.meta(), w, q}));
      return q;
    };
    Quantization of_bias = weight({4 * units, inputs}, x.scale[0]);
    weight({4 * units, units}, hidden.scale[0]);
    std::vector<int32_t> bias(4 * units);
    for (int32_t& b : bias) b = static_cast<int32_t>(between(-9000, 9000));
    for (float& s : of_bias.scale) s *= x.scale[0];
    const Tensor b = from_values(bias, {4 * units});
    in.push_back(
        graph_.add_value({fmt::format("b{}", graph_.values.size()), b.meta(), b, of_bias}));
    const Shape state{1, units};
    const bool lives = rng_.below(2) == 0;
    const auto states = graph_.states.size();
    in.push_back(lives ? add_state(state, hidden, DType::int8)
                       : initial(state, hidden, DType::int8));
    in.push_back(lives ? add_state(state, cell, DType::int16) : initial(state, cell, DType::int16));
    give(op::Lstm{.cell_clip = rng_.below(2) ? 0 : octaves(-3, 4)}, in, {1, steps, units}, hidden);
    const int last_hidden = add_value(state, hidden);
    const int last_cell = graph_.add_value(
        {fmt::format("v{}", graph_.values.size()), {state, DType::int16}, {}, cell});
    graph_.nodes.back().outputs.push_back(last_hidden);
    graph_.nodes.back().outputs.push_back(last_cell);
    if (lives) {
      graph_.states[states].after = last_hidden;
      graph_.states[states + 1].after = last_cell;
    } else if (rng_.below(4) == 0) {
      values_.push_back(last_hidden);
    }
  }

  Graph graph_;
  std::vector<int> values_;
};

}  // namespace

deploy::QuantizedModel random_int8_model(uint64_t seed) { return RandomModel(seed).make(); }

}  // namespace tuco::test
