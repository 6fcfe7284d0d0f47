// Samples of reductions, products, pooling, normalisation and softmax: odd sizes, uneven strides
// and paddings, groups, rounding up.
#include "tests/ops/samples.h"
#include "tuco/autograd/functions.h"

namespace tuco::test {
namespace {

template <class Op>
Samples reductions() {
  return {{Op{{{1}, false}}, {spread({3, 5, 2}, 1)}, {0}},
          {Op{{{0, 2}, true}}, {spread({3, 5, 2}, 1)}},
          {Op{{{0, 1, 2}, false}}, {spread({2, 3, 4}, 1)}},
          {Op{{{2}, true}}, {spread({2, 3, 19}, 1)}, {0}},
          {Op{{{0}, false}}, {spread({4, 3}, 1)}},
          {Op{{{}, false}}, {spread({2, 3}, 1)}, {0}},
          {Op{{{}, false}}, {spread({}, 1)}}};
}

}  // namespace

Samples samples(Tag<op::Sum>) { return reductions<op::Sum>(); }
Samples samples(Tag<op::Mean>) { return reductions<op::Mean>(); }
Samples samples(Tag<op::Max>) { return reductions<op::Max>(); }
Samples samples(Tag<op::ArgMax>) {
  return {{op::ArgMax{{{1}, false}}, {spread({3, 5, 2}, 1)}, {0}},
          {op::ArgMax{{{2}, true}}, {spread({2, 3, 11}, 1)}, {0}},
          {op::ArgMax{{{0}, false}}, {spread({6}, 1)}}};
}

Samples samples(Tag<op::MatMul>) {
  return {{op::MatMul{}, {spread({3, 5}, 1), spread({5, 4}, 2)}, {0}},
          {op::MatMul{true, false}, {spread({5, 3}, 1), spread({5, 4}, 2)}},
          {op::MatMul{false, true}, {spread({3, 5}, 1), spread({4, 5}, 2)}, {0}},
          {op::MatMul{true, true}, {spread({5, 3}, 1), spread({4, 5}, 2)}},
          {op::MatMul{}, {spread({2, 1, 3, 4}, 1), spread({3, 4, 2}, 2)}, {0}},
          {op::MatMul{false, true}, {spread({3, 4}, 1), spread({2, 5, 4}, 2)}, {1}},
          {op::MatMul{}, {spread({2, 1, 1}, 1), spread({2, 1, 7}, 2)}, {0, 1}},
          {op::MatMul{}, {spread({2, 0}, 1), spread({0, 3}, 2)}}};
}

Samples samples(Tag<op::Linear>) {
  return {{op::Linear{}, {spread({3, 5}, 1), spread({4, 5}, 2), spread({4}, 3)}, {0}},
          {op::Linear{}, {spread({2, 3, 5}, 1), spread({7, 5}, 2)}, {0}},
          {op::Linear{}, {spread({5}, 1), spread({2, 5}, 2), spread({2}, 3)}},
          {op::Linear{}, {spread({1, 1}, 1), spread({1, 1}, 2), spread({1}, 3)}, {0}}};
}

Samples samples(Tag<op::FusedLinear>) {
  return {{op::FusedLinear{true}, {spread({3, 5}, 1), spread({4, 5}, 2), spread({4}, 3)}, {0}},
          {op::FusedLinear{false, -0.5, 0.7}, {spread({2, 3, 5}, 1), spread({7, 5}, 2)}, {0}},
          {op::FusedLinear{false, -std::numeric_limits<double>::infinity()},
           {spread({5}, 1), spread({2, 5}, 2)}}};
}

namespace {

struct Convolution {
  op::Conv2d conv;
  Shape images, weight;
  bool bias = false;
};

std::vector<Convolution> convolutions() {
  return {
      {{.padding = 1}, {2, 5, 6, 3}, {4, 3, 3, 3}, true},
      {{}, {1, 4, 4, 2}, {3, 2, 3, 2}},
      {{}, {2, 3, 5, 4}, {5, 1, 1, 4}, true},             // point-wise
      {{.stride = 2}, {1, 7, 5, 3}, {2, 1, 1, 3}, true},  // point-wise, strided
      {{.stride = {2, 3}, .padding = {1, 0, 2, 1}}, {2, 7, 8, 2}, {3, 3, 4, 2}, true},
      {{.dilation = {2, 1}, .padding = {0, 3, 1, 2}}, {1, 6, 5, 2}, {2, 3, 3, 2}},
      {{.stride = {2, 1}, .dilation = {1, 3}, .padding = 2}, {1, 5, 7, 3}, {2, 2, 3, 3}, true},
      {{.padding = 1, .groups = 2}, {2, 4, 5, 4}, {6, 3, 3, 2}, true},  // groups
      {{.stride = 2, .padding = {0, 1, 0, 1}, .groups = 3}, {1, 6, 7, 3}, {3, 3, 3, 1}, true},
      {{.padding = 1, .groups = 5}, {2, 4, 3, 5}, {5, 3, 3, 1}},        // depthwise
      {{.padding = 1, .groups = 2}, {1, 4, 4, 2}, {4, 3, 3, 1}, true},  // multiplier of 2
      {{.dilation = 2, .padding = {2, 1, 0, 2}, .groups = 4}, {1, 7, 6, 4}, {4, 3, 2, 1}, true},
      {{.stride = {2, 1}, .padding = {4, 5, 1, 1}}, {1, 9, 4, 1}, {2, 10, 4, 1}, true},  // 10 x 4
      {{.stride = 4}, {1, 9, 9, 1}, {1, 2, 2, 1}, true},  // cells that no window sees
  };
}

Tensor output_gradient(const Convolution& c, uint64_t seed) {
  const WindowGeometry g = geometry(c.conv, c.images, c.weight);
  return spread({g.batch, g.out_h, g.out_w, g.out_c}, seed);
}

}  // namespace

Samples samples(Tag<op::Conv2d>) {
  Samples list;
  for (const Convolution& c : convolutions()) {
    list.push_back({c.conv, {spread(c.images, 1), spread(c.weight, 2)}, {0}});
    if (c.bias) list.back().inputs.push_back(spread({c.weight[0]}, 3));
  }
  return list;
}
Samples samples(Tag<op::FusedConv2d>) {
  Samples list;
  int number = 0;
  for (const Convolution& c : convolutions()) {
    const bool addend = ++number % 3 != 0, relu = number % 2 == 0;
    op::FusedConv2d fused{c.conv, c.bias, addend};
    if (!relu) fused.low = -1.3, fused.high = 2.1;
    list.push_back({fused, {spread(c.images, 1), spread(c.weight, 2)}, {0}});
    if (c.bias) list.back().inputs.push_back(spread({c.weight[0]}, 3));
    if (!addend) continue;
    list.back().inputs.push_back(output_gradient(c, 4));
    list.back().batched.push_back(c.bias ? 3 : 2);
  }
  return list;
}
Samples samples(Tag<op::Conv2dGradInput>) {
  Samples list;
  for (const Convolution& c : convolutions())
    list.push_back(
        {op::Conv2dGradInput{c.conv, c.images}, {output_gradient(c, 1), spread(c.weight, 2)}});
  return list;
}
Samples samples(Tag<op::Conv2dGradWeight>) {
  Samples list;
  for (const Convolution& c : convolutions())
    list.push_back({op::Conv2dGradWeight{c.conv, c.weight},
                    {spread(c.images, 1), output_gradient(c, 2)},
                    {0, 1}});
  return list;
}

namespace {

struct Pooling {
  op::PoolWindow window;
  Shape images;
};

std::vector<Pooling> poolings() {
  return {
      {{}, {2, 4, 6, 3}},
      {{}, {1, 5, 7, 2}},  // a row and a column are left over
      {{.kernel = 3, .stride = 2, .padding = 1}, {2, 7, 6, 2}},
      {{.kernel = 3, .stride = 1}, {1, 5, 5, 9}},
      {{.kernel = {2, 3}, .stride = {1, 2}, .padding = {1, 0, 2, 1}}, {1, 4, 5, 3}},
      {{.kernel = 2, .stride = 2, .ceil_mode = true}, {2, 5, 7, 2}},
      {{.kernel = 3, .stride = 2, .padding = {1, 1, 0, 2}, .ceil_mode = true}, {1, 6, 8, 2}},
      {{.kernel = 2, .stride = 3, .ceil_mode = true},
       {1, 7, 6, 3}},                                        // a window would start outside
      {{.kernel = {5, 7}, .stride = {5, 7}}, {2, 5, 7, 4}},  // the whole image
      {{.kernel = 1, .stride = 2}, {1, 5, 4, 2}},
  };
}

std::vector<Pooling> average_poolings() {
  auto list = poolings();
  for (const Pooling& p : poolings()) {
    list.push_back(p);
    list.back().window.count_include_pad = true;
  }
  return list;
}

Tensor pooled_gradient(const Pooling& p) {
  const WindowGeometry g = geometry("pool", p.window, p.images);
  return spread({g.batch, g.out_h, g.out_w, g.out_c}, 5);
}

}  // namespace

Samples samples(Tag<op::MaxPool2d>) {
  Samples list;
  for (const Pooling& p : poolings())
    list.push_back({op::MaxPool2d{p.window}, {spread(p.images, 1)}, {0}});
  // Negative values everywhere: padding must not win.
  list.push_back({op::MaxPool2d{{.kernel = 3, .stride = 2, .padding = 1}},
                  {spread({1, 5, 5, 2}, 2, -9, -1)},
                  {0}});
  return list;
}
Samples samples(Tag<op::MaxPool2dGrad>) {
  Samples list;
  for (const Pooling& p : poolings())
    list.push_back(
        {op::MaxPool2dGrad{p.window, p.images},
         {pooled_gradient(p), results(op::MaxPool2d{p.window}, {spread(p.images, 1)})[1]}});
  return list;
}
Samples samples(Tag<op::AvgPool2d>) {
  Samples list;
  for (const Pooling& p : average_poolings())
    list.push_back({op::AvgPool2d{p.window}, {spread(p.images, 1)}, {0}});
  return list;
}
Samples samples(Tag<op::AvgPool2dGrad>) {
  Samples list;
  for (const Pooling& p : average_poolings())
    list.push_back({op::AvgPool2dGrad{p.window, p.images}, {pooled_gradient(p)}});
  return list;
}

namespace {

struct Resizing {
  op::ResizeNearest op;
  Shape images;
};

std::vector<Resizing> resizings() {
  return {{{.size = {6, 8}}, {2, 3, 4, 3}},
          {{.size = {2, 3}}, {1, 5, 7, 2}},
          {{.size = {7, 5}, .align_corners = true}, {2, 4, 3, 1}},
          {{.size = {1, 9}, .align_corners = true}, {1, 3, 2, 2}},
          {{.size = {5, 9}, .half_pixel_centers = true}, {1, 4, 6, 3}},
          {{.size = {5, 4}, .align_corners = true, .half_pixel_centers = true}, {1, 3, 7, 2}}};
}

}  // namespace

Samples samples(Tag<op::ResizeNearest>) {
  Samples list;
  for (const Resizing& r : resizings()) list.push_back({r.op, {spread(r.images, 1)}, {0}});
  return list;
}
Samples samples(Tag<op::ResizeNearestGrad>) {
  Samples list;
  for (const auto& [op, images] : resizings())
    list.push_back({op::ResizeNearestGrad{op, {images[1], images[2]}},
                    {spread({images[0], op.size.h, op.size.w, images[3]}, 2)},
                    {0}});
  return list;
}

namespace {

std::vector<Tensor> parameters(int64_t channels) {
  return {spread({channels}, 2, 0.5, 1.5), spread({channels}, 3, -1, 1)};
}

std::vector<Tensor> normalised(const Shape& shape) {
  std::vector<Tensor> inputs = {spread(shape, 1, -1, 3)};
  for (const Tensor& p : parameters(shape.back())) inputs.push_back(p);
  return inputs;
}

const std::vector<Shape> kNormalised = {{2, 3, 4, 3}, {5, 2}, {3, 2, 17}, {7, 1}};

struct FusedPool {
  Shape images;
  int64_t pool;
};
const std::vector<FusedPool> kFusedPools = {
    {{2, 4, 6, 3}, 2}, {{1, 5, 7, 2}, 2}, {{2, 3, 3, 4}, 3}, {{1, 6, 7, 17}, 3}};

}  // namespace

Samples samples(Tag<op::BatchNorm>) {
  Samples list;
  for (const Shape& shape : kNormalised) {
    auto inputs = normalised(shape);
    inputs.push_back(spread({shape.back()}, 4));
    inputs.push_back(spread({shape.back()}, 5, 0.3, 2));
    list.push_back({op::BatchNorm{1e-3}, inputs, {0}});
  }
  return list;
}
Samples samples(Tag<op::BatchNormTrain>) {
  Samples list;
  for (const Shape& shape : kNormalised)
    list.push_back({op::BatchNormTrain{1e-3}, normalised(shape)});
  return list;
}
Samples samples(Tag<op::BatchNormRelu>) {
  Samples list;
  for (const Shape& shape : kNormalised) {
    auto inputs = normalised(shape);
    list.push_back({op::BatchNormRelu{1e-3}, inputs});
    inputs.push_back(spread(shape, 7, -2, 2));
    list.push_back({op::BatchNormRelu{1e-3}, inputs});
  }
  return list;
}
Samples samples(Tag<op::BatchNormTrainGrad>) {
  Samples list;
  for (const Shape& shape : kNormalised) {
    const auto in = normalised(shape);
    const auto out = results(op::BatchNormTrain{1e-3}, in);
    for (const bool relu : {false, true})
      list.push_back({op::BatchNormTrainGrad{1e-3, relu},
                      {spread(shape, 6), in[0], in[1], in[2], out[1], out[2]}});
    list.push_back({op::BatchNormTrainGrad{1e-3, true},
                    {spread(shape, 6), in[0], in[1], in[2], out[1], out[2], out[0]}});
  }
  return list;
}
Samples samples(Tag<op::BatchNormReluPool>) {
  Samples list;
  for (const auto& [images, pool] : kFusedPools)
    list.push_back({op::BatchNormReluPool{1e-3, pool}, normalised(images)});
  return list;
}
Samples samples(Tag<op::BatchNormReluPoolGrad>) {
  Samples list;
  for (const auto& [images, pool] : kFusedPools) {
    const auto in = normalised(images);
    const auto out = results(op::BatchNormReluPool{1e-3, pool}, in);
    list.push_back(
        {op::BatchNormReluPoolGrad{1e-3, pool},
         {spread(out[0].shape(), 6), in[0], in[1], in[2], out[1], out[2], out[0], out[3]}});
  }
  return list;
}

namespace {

struct Recurrence {
  int64_t sequences, steps, channels, units;
  bool own_states = true;  // or one for all sequences
  double cell_clip = 0;
};
// The clip of 0.3 bites at some steps and units, and not at others.
const std::vector<Recurrence> kRecurrences = {
    {2, 3, 2, 3},        {1, 4, 3, 2},       {5, 3, 2, 2, false}, {4, 4, 2, 3, true, 0.3},
    {3, 1, 1, 17, true}, {2, 0, 3, 2, true}, {5, 2, 0, 1, false}};

std::vector<Tensor> recurrence_inputs(const Recurrence& r) {
  const Shape state = {r.own_states ? r.sequences : 1, r.units};
  return {spread({r.sequences, r.steps, r.channels}, 1),
          spread({4 * r.units, r.channels}, 2, -1, 1),
          spread({4 * r.units, r.units}, 3, -1, 1),
          spread({4 * r.units}, 4, -1, 1),
          spread(state, 5, -1, 1),
          spread(state, 6, -1, 1)};
}

template <class Op>
Samples recurrences() {
  Samples list;
  for (const Recurrence& r : kRecurrences)
    list.push_back({Op{r.cell_clip}, recurrence_inputs(r),
                    r.own_states ? std::vector{0, 4, 5} : std::vector{0}});
  return list;
}

}  // namespace

Samples samples(Tag<op::Lstm>) { return recurrences<op::Lstm>(); }
Samples samples(Tag<op::LstmTrain>) { return recurrences<op::LstmTrain>(); }
Samples samples(Tag<op::LstmGrad>) {
  Samples list;
  for (const Sample& sample : recurrences<op::LstmTrain>()) {
    const auto& in = sample.inputs;
    const auto out = results(sample.op, in);
    list.push_back(
        {op::LstmGrad{std::get<op::LstmTrain>(sample.op).cell_clip},
         {spread(out[0].shape(), 7), spread(out[1].shape(), 8), spread(out[2].shape(), 9), in[2],
          in[5], out[3], out[4]},
         sample.batched.size() > 1 ? std::vector{0, 1, 2, 4, 5, 6} : std::vector{0, 1, 2, 5, 6}});
  }
  return list;
}

namespace {

template <class Op>
Samples softmaxes() {
  return {{Op{}, {spread({3, 5}, 1)}, {0}},
          {Op{}, {spread({2, 2, 19}, 1, -30, 30)}, {0}},
          {Op{}, {spread({4, 1}, 1)}, {0}},
          {Op{}, {spread({7}, 1)}}};
}
template <class Op, class Grad>
Samples softmax_grads() {
  Samples list;
  for (const Sample& sample : softmaxes<Op>())
    list.push_back({Grad{},
                    {spread(sample.inputs[0].shape(), 6), results(sample.op, sample.inputs)[0]},
                    sample.batched.empty() ? std::vector<int>{} : std::vector<int>{0, 1}});
  return list;
}

}  // namespace

Samples samples(Tag<op::Softmax>) { return softmaxes<op::Softmax>(); }
Samples samples(Tag<op::LogSoftmax>) { return softmaxes<op::LogSoftmax>(); }
Samples samples(Tag<op::SoftmaxGrad>) { return softmax_grads<op::Softmax, op::SoftmaxGrad>(); }
Samples samples(Tag<op::LogSoftmaxGrad>) {
  return softmax_grads<op::LogSoftmax, op::LogSoftmaxGrad>();
}

}  // namespace tuco::test
