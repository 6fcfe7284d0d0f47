// The int8 ops of a host against the reference interpreter, in every byte: whole networks node by
// node, and each op at random sizes, scales and zero points, on every instruction set, with packed
// constants and without.
#include "tuco/deploy/engine/int8_ops.h"

#include <gtest/gtest.h>

#include "tests/deploy/pointwise_networks.h"
#include "tests/deploy/random_models.h"
#include "tests/devices/kernel_test.h"
#include "tuco/autograd/run_op.h"
#include "tuco/core/error.h"
#include "tuco/deploy/engine/lower.h"
#include "tuco/deploy/engine/plan_data.h"
#include "tuco/deploy/interpreter.h"
#include "tuco/deploy/passes.h"
#include "tuco/deploy/reference_arithmetic.h"
#include "tuco/deploy/trace.h"
#include "tuco/devices/cpu/qadd.h"

namespace tuco::deploy {
namespace {

/// What the backend makes of an op, from memory full of another value. Of the inputs those are
/// constant that `constants` has, too.
std::vector<int8_t> run_int8(const op::Any& op, const std::vector<Tensor>& in,
                             const std::vector<Tensor>& constants, const Shape& shape,
                             bool prepare) {
  Backend& cpu = backend(Device::cpu());
  const auto prepared = prepare ? cpu.prepare(op, constants) : nullptr;
  Workspace workspace(prepared.get());
  Outputs out = {full(shape, 77, {DType::int8})};
  if (prepare)  // as an engine does
    cpu.bind(op, in, out, prepared.get())->run();
  else
    cpu.run(op, in, out, workspace);
  if (prepared) {
    const auto bound = out[0].to_vector<int8_t>();
    out[0].fill_(77);
    cpu.run(op, in, out, workspace);
    EXPECT_EQ(out[0].to_vector<int8_t>(), bound);
  }
  return out[0].to_vector<int8_t>();
}

void expect_same_bytes(const op::Any& op, const std::vector<Tensor>& in,
                       const std::vector<Tensor>& constants, const Tensor& expected) {
  SCOPED_TRACE(to_string(op));
  const auto wanted = expected.to_vector<int8_t>();
  cpu::on_isas(cpu::supported_isas(), [&] {
    for (const bool prepare : {false, true}) {
      const auto got = run_int8(op, in, constants, expected.shape(), prepare);
      ASSERT_EQ(got.size(), wanted.size());
      for (size_t i = 0; i < got.size(); ++i)
        if (got[i] != wanted[i]) {
          ADD_FAILURE() << "byte " << i << " of " << got.size() << " is " << int{got[i]}
                        << ", expected " << int{wanted[i]} << (prepare ? ", prepared" : "");
          return;
        }
    }
  });
}

void expect_same_bytes(const QuantizedNode& node, std::vector<Tensor> in, const Tensor& expected) {
  const Int8Op lowered = int8_op(node);
  if (is_alias(lowered.op) || is_strided_view(lowered.op)) {  // no kernel
    EXPECT_EQ(run_op(lowered.op, in)[0].to_vector<int8_t>(), expected.to_vector<int8_t>());
    return;
  }
  std::vector<Tensor> constants(in.size());
  for (const Tensor& constant : lowered.constants) {
    in.push_back(constant);
    constants.push_back(constant);
  }
  expect_same_bytes(lowered.op, in, constants, expected);
}

void expect_network(const QuantizedModel& model, const Tensor& input) {
  std::vector<Tensor> values;
  for (const Graph::Value& value : model.graph.values) values.push_back(value.constant);
  values[model.graph.inputs[0]] = input;
  interpret(model, input, [&](int v, const Tensor& tensor) { values[v] = tensor; });
  for (const Graph::Node& node : model.graph.nodes) {
    const QuantizedNode quantized{model.graph, node, model.rounding};
    std::vector<Tensor> in;
    for (const int v : int8_op(quantized).values) in.push_back(values[v]);
    expect_same_bytes(quantized, in, values[node.outputs[0]]);
  }
}

void expect_network(const test::Network& net, Rounding rounding) {
  const Tensor images = test::random_images(net, 5, 3);
  Graph graph = trace(net.forward, slice(images, 0, 0, 1).clone(), net.constants);
  optimize(graph);
  const QuantizedModel model = quantize(graph, images, {.rounding = rounding});
  Rng rng(4);
  for (const int64_t batch : {1, 3}) {
    Shape shape = model.graph.values[model.graph.inputs[0]].meta.shape;
    shape[0] = batch;
    expect_network(model, test::random_integers(shape, rng));
  }
}

TEST(Int8Ops, NetworksNodeByNode) {
  for (const Rounding rounding : {Rounding::kDouble, Rounding::kSingle}) {
    expect_network(test::small_network(), rounding);
    for (uint64_t seed = 1; seed <= 12; ++seed) {
      SCOPED_TRACE(fmt::format("network {}", seed));
      expect_network(test::random_network(seed), rounding);
    }
    for (uint64_t seed = 0; seed < 40; ++seed) {
      SCOPED_TRACE(fmt::format("point-wise network {}", seed));
      expect_network(test::random_pointwise_network(seed), rounding);
    }
  }
}

// One node in a graph of its own, made of random integers.
class Single {
 public:
  Single(Rng& rng, Rounding rounding) : rng_(rng), rounding_(rounding) {}

  int activation(const Tensor& integers) {
    tensors_.push_back(integers);
    return add(integers.shape(), random_quantization());
  }
  int add(const Shape& shape, const Quantization& quantization) {
    return graph_.add_value({"", {shape, DType::int8}, {}, quantization});
  }
  /// Weights (out, ...) and perhaps a bias.
  std::vector<int> weights(const Shape& shape) {
    const Tensor weight = test::random_integers(shape, rng_, rng_.below(4) ? -127 : -128);
    // A dead channel, whose factor may be anything.
    if (const int64_t each = weight.numel() / std::max<int64_t>(1, shape[0]); rng_.below(4) == 0)
      std::fill_n(weight.data<int8_t>() + rng_.below(static_cast<uint32_t>(shape[0])) * each, each,
                  int8_t{0});
    Quantization q{{}, std::vector<int32_t>(shape[0], 0), 0};
    // From factors far below 1 to some beyond it.
    for (int64_t o = 0; o < shape[0]; ++o)
      q.scale.push_back(std::exp2(rng_.uniform(-16, rng_.below(8) ? -6 : 3)));
    std::vector<int> values = {graph_.add_value({"", weight.meta(), weight, q})};
    if (rng_.below(4)) {
      std::vector<int32_t> bias(shape[0]);
      for (int32_t& b : bias) b = static_cast<int32_t>(rng_.below(40001)) - 20000;
      const Tensor tensor = from_values(bias, {shape[0]});
      values.push_back(graph_.add_value({"", tensor.meta(), tensor, q}));
    }
    return values;
  }
  Quantization random_quantization() {
    const int32_t edges[] = {-128, 127, 0, static_cast<int32_t>(rng_.below(256)) - 128};
    return {{std::exp2(rng_.uniform(-8, -3))}, {edges[rng_.below(4)]}, -1};
  }
  std::optional<op::Clamp> random_activation() {
    switch (rng_.below(4)) {
      case 0:
        return op::Clamp{.low = 0};
      case 1:
        return op::Clamp{.low = 0, .high = 6 * std::exp2(rng_.uniform(-8, -1))};
      default:
        return {};
    }
  }
  template <class Op>
  void expect(const Op& op, std::vector<int> inputs, const Shape& shape,
              const std::optional<op::Clamp>& activation = {},
              std::optional<Quantization> quantization = {}) {
    const int result = add(shape, quantization ? *quantization : random_quantization());
    graph_.nodes.push_back({op, std::move(inputs), {result}, "", activation});
    const QuantizedNode node{graph_, graph_.nodes.back(), rounding_};
    std::vector<Tensor> in = tensors_;
    for (const int v : node.node.inputs)
      if (graph_.values[v].constant.defined()) in.push_back(graph_.values[v].constant);
    Tensor out = empty(shape, {DType::int8});
    interpret(op, node, in, out);
    expect_same_bytes(node, tensors_, out);
  }
  /// A convolution of tensor 0, and an addition of its result to another image, as one op.
  void expect_added(const op::Conv2d& conv, std::vector<int> inputs, const Shape& shape) {
    const int result = add(shape, random_quantization());
    const int other = activation(test::random_integers(shape, rng_));
    if (rng_.below(4) == 0) graph_.values[other].quantization = quantization(result);
    const int sum = add(shape, random_quantization());
    std::vector<int> addends = {result, other};
    if (rng_.below(2)) std::swap(addends[0], addends[1]);
    graph_.inputs = {inputs[0], other};
    graph_.outputs = {sum};
    graph_.nodes = {{conv, inputs, {result}, "", random_activation()},
                    {op::Add{}, addends, {sum}, "", random_activation()}};
    std::vector<Tensor> in = {tensors_[0]};
    for (size_t i = 1; i < inputs.size(); ++i) in.push_back(graph_.values[inputs[i]].constant);
    Tensor between = empty(shape, {DType::int8}), out = empty(shape, {DType::int8});
    interpret(conv, {graph_, graph_.nodes[0], rounding_}, in, between);
    const std::array terms = {addends[0] == result ? between : tensors_[1],
                              addends[0] == result ? tensors_[1] : between};
    interpret(op::Add{}, {graph_, graph_.nodes[1], rounding_}, terms, out);

    const Graph lowered = lower(QuantizedModel{graph_, rounding_});
    ASSERT_EQ(lowered.nodes.size(), 1u);
    ASSERT_TRUE(std::holds_alternative<op::QConv2dAdd>(lowered.nodes[0].op));
    std::vector<Tensor> constants;
    for (const int v : lowered.nodes[0].inputs) constants.push_back(lowered.values[v].constant);
    in = constants;
    in.front() = tensors_[0];
    in.back() = tensors_[1];
    expect_same_bytes(lowered.nodes[0].op, in, constants, out);
  }
  const Quantization& quantization(int value) { return *graph_.values[value].quantization; }

 private:
  Rng& rng_;
  Rounding rounding_;
  Graph graph_;
  std::vector<Tensor> tensors_;
};

template <class Test>
void in_both_roundings(uint64_t seed, int count, Test&& test) {
  Rng rng(seed);
  for (int i = 0; i < count; ++i) {
    SCOPED_TRACE(fmt::format("case {}", i));
    Single single(rng, i % 2 ? Rounding::kSingle : Rounding::kDouble);
    test(rng, single);
  }
}

int64_t between(Rng& rng, int64_t low, int64_t high) {
  return low + rng.below(static_cast<uint32_t>(high - low + 1));
}

/// The convolution alone, or with an addition behind it.
void expect_conv(Rng& rng, Single& single, const Shape& images, int64_t out, Hw kernel,
                 const op::Conv2d& conv, bool added) {
  const Shape weight{out, kernel.h, kernel.w, images[3] / conv.groups};
  WindowGeometry g;
  try {
    g = geometry(conv, images, weight);
  } catch (const ShapeError&) {
    return;  // the kernel is larger than the image
  }
  SCOPED_TRACE(fmt::format("{} by {}", images, weight));
  std::vector<int> inputs = {single.activation(test::random_integers(images, rng))};
  for (const int v : single.weights(weight)) inputs.push_back(v);
  const Shape shape{g.batch, g.out_h, g.out_w, g.out_c};
  if (added)
    single.expect_added(conv, inputs, shape);
  else
    single.expect(conv, inputs, shape, single.random_activation());
}

TEST(Int8Ops, ConvolutionsAtRandom) {
  int i = 0;
  in_both_roundings(1, 240, [&](Rng& rng, Single& single) {
    const bool added = i++ % 4 >= 2;
    op::Conv2d conv{.stride = {between(rng, 1, 3), between(rng, 1, 3)}};
    if (rng.below(4) == 0) conv.dilation = {between(rng, 1, 2), between(rng, 1, 2)};
    conv.padding = {between(rng, 0, 2), between(rng, 0, 2), between(rng, 0, 2), between(rng, 0, 2)};
    int64_t in = between(rng, 1, 40), out = between(rng, 1, 70);
    if (rng.below(3) == 0) {  // depthwise, perhaps with several outputs an input
      conv.groups = in = between(rng, 2, 80);
      out = in * between(rng, 1, 2);
    } else if (rng.below(4) == 0) {
      conv.groups = between(rng, 2, 4);
      in = conv.groups * between(rng, 1, 9);
      out = conv.groups * between(rng, 1, 20);
    }
    expect_conv(rng, single, {between(rng, 1, 3), between(rng, 1, 12), between(rng, 1, 14), in},
                out, {between(rng, 1, 4), between(rng, 1, 4)}, conv, added);
  });
}

TEST(Int8Ops, ConvolutionsOfEachKind) {
  struct Case {
    Shape images;
    int64_t out;
    Hw kernel;
    op::Conv2d conv;
  };
  const Case cases[] = {
      {{1, 16, 16, 3}, 16, 3, {.padding = 1}},                         // a first layer
      {{1, 17, 15, 3}, 8, 3, {.stride = 2, .padding = {0, 1, 0, 1}}},  // as TensorFlow pads
      {{1, 20, 20, 3}, 8, 3, {.stride = 2, .padding = {0, 1, 0, 1}}},  // pairs of pixels
      {{2, 9, 12, 5}, 1, 3, {.padding = {1, 0, 1, 1}}},
      {{1, 7, 8, 9}, 3, Hw(1, 2), {.stride = {1, 3}, .padding = {0, 0, 1, 0}}},
      {{1, 5, 6, 7}, 4, 1, {}},
      {{1, 5, 6, 7}, 4, Hw(2, 3), {.dilation = {2, 1}, .padding = 1}},
      {{1, 16, 16, 16}, 16, 3, {.padding = 1}},                                 //
      {{2, 9, 9, 33}, 65, 3, {.padding = 1}},                                   //
      {{1, 12, 12, 64}, 64, 1, {}},                                             // a product
      {{1, 3, 3, 256}, 256, 1, {}},                                             // few pixels
      {{1, 1, 1, 256}, 2, 1, {}},                                               // one
      {{1, 8, 8, 16}, 32, 1, {.stride = 2}},                                    //
      {{1, 20, 10, 1}, 64, Hw(10, 4), {.stride = 2, .padding = {4, 5, 1, 1}}},  // a spectrogram
      {{1, 1, 1, 7}, 7, 3, {.padding = 1}},                                     // one pixel
      {{0, 5, 5, 4}, 6, 3, {.padding = 1}},                                     // no images
      {{1, 25, 5, 64}, 64, 3, {.padding = 1, .groups = 64}},                    // depthwise
      {{1, 48, 48, 8}, 8, 3, {.padding = 1, .groups = 8}},                      //
      {{1, 24, 24, 16}, 16, 3, {.stride = 2, .padding = {0, 1, 0, 1}, .groups = 16}},
      {{2, 7, 9, 24}, 24, 3, {.stride = 2, .padding = 1, .groups = 24}},  //
      {{1, 6, 6, 130}, 130, 5, {.padding = 2, .groups = 130}},            //
      {{1, 70, 70, 32}, 32, 3, {.padding = 1, .groups = 32}},             // several strips
      {{1, 70, 70, 40}, 24, 3, {.padding = 1}},                           //
      {{0, 6, 6, 8}, 8, 3, {.padding = 1, .groups = 8}},                  //
  };
  int i = 0;
  for (const Case& c : cases)
    for (const bool added : {false, true})
      in_both_roundings(++i, 4, [&](Rng& rng, Single& single) {
        expect_conv(rng, single, c.images, c.out, c.kernel, c.conv, added);
      });
}

TEST(Int8Ops, LinearLayers) {
  in_both_roundings(2, 60, [](Rng& rng, Single& single) {
    const int64_t rows[] = {0, 1, 1, 2, 3, 9, 17}, row = rows[rng.below(7)];
    const int64_t in = between(rng, 1, rng.below(3) ? 140 : 700), out = between(rng, 1, 140);
    SCOPED_TRACE(fmt::format("{} x {} x {}", row, in, out));
    std::vector<int> inputs = {single.activation(test::random_integers({row, in}, rng))};
    for (const int v : single.weights({out, in})) inputs.push_back(v);
    single.expect(op::Linear{}, inputs, {row, out}, single.random_activation());
  });
}

TEST(Int8Ops, Additions) {
  in_both_roundings(3, 40, [](Rng& rng, Single& single) {
    const Shape shape{between(rng, 0, 3), between(rng, 1, 40), between(rng, 1, 9)};
    const int a = single.activation(test::random_integers(shape, rng)),
              b = single.activation(test::random_integers(shape, rng));
    single.expect(op::Add{}, {a, b}, shape, single.random_activation());
  });
}

// Operands of every way to broadcast, some of them larger than the runs that kernels take at once.
TEST(Int8Ops, OperandsThatBroadcast) {
  in_both_roundings(7, 120, [](Rng& rng, Single& single) {
    Shape first, second, shape;
    const int64_t batch = between(rng, 0, 3);
    for (int d = 0; d < 4; ++d) {
      const int64_t size = d == 0               ? batch
                           : rng.below(12) == 0 ? between(rng, 250, 700)
                                                : between(rng, 1, 9);
      const uint32_t still = d == 0 ? 2 : rng.below(4);
      first.push_back(still == 0 ? 1 : size);
      second.push_back(still == 1 ? 1 : size);
      shape.push_back(size);
    }
    SCOPED_TRACE(fmt::format("{} and {}", first, second));
    const int a = single.activation(test::random_integers(first, rng)),
              b = single.activation(test::random_integers(second, rng));
    const auto activation = single.random_activation();
    single.expect(op::Add{}, {a, b}, shape, activation);
    single.expect(op::Sub{}, {a, b}, shape, activation);
    single.expect(op::Mul{}, {a, b}, shape, activation);
    single.expect(op::PRelu{}, {a, b}, shape);
    single.expect(op::Maximum{}, {a, b}, shape, {}, single.quantization(a));
    single.expect(op::Minimum{}, {a, b}, shape, {}, single.quantization(a));
  });
}

TEST(Int8Ops, MovesAndResizing) {
  in_both_roundings(8, 60, [](Rng& rng, Single& single) {
    const Shape images{between(rng, 0, 2), between(rng, 1, 9), between(rng, 1, 9),
                       between(rng, 1, 70)};
    const int x = single.activation(test::random_integers(images, rng));
    const auto expect = [&](const auto& op) {
      const TensorMeta meta{images, DType::int8};
      single.expect(op, {x}, infer_op(op, {&meta, 1})[0].shape, {}, single.quantization(x));
    };
    const int d = static_cast<int>(between(rng, 1, 3));
    const int64_t start = between(rng, 0, images[d] - 1);
    expect(op::Slice{d, start, between(rng, start + 1, images[d]), between(rng, 1, 3)});
    expect(op::Permute{{0, 3, 1, 2}});
    expect(op::Permute{{0, 2, 1, 3}});
    expect(op::ResizeNearest{
        {between(rng, 1, 12), between(rng, 1, 12)}, rng.below(2) == 1, rng.below(2) == 1});
    expect(op::Pad{{0, 1, 0, 2}, {0, 0, 1, 1}, rng.uniform(-3, 3)});
  });
}

// Behind a convolution that gives what comes in: every sum of two int8 is what op::QAdd gives.
TEST(Int8Ops, AdditionsOfAllNumbersBehindAConvolution) {
  Rng rng(6);
  int linear = 0;
  for (int i = 0; i < 24; ++i) {
    const int64_t channels = i % 2 ? 32 : 16;
    const Shape shape{1, 64, 1024 / channels, channels};
    std::vector<int8_t> first(shape.numel()), second(shape.numel());
    for (size_t k = 0; k < first.size(); ++k) {
      first[k] = static_cast<int8_t>(k >> 8);
      second[k] = static_cast<int8_t>(k & 255);
    }
    std::vector<int8_t> weight(channels * channels, 0);
    std::vector<int32_t> quarters;
    for (int64_t o = 0; o < channels; ++o) {
      weight[o * channels + o] = 4;
      quarters.insert(quarters.end(), {1 << 30, -1});
    }
    const auto rounding = i % 6 ? Rounding::kDouble : Rounding::kSingle;
    const float a = std::exp2(rng.uniform(-8, -3)), b = i % 5 ? std::exp2(rng.uniform(-8, -3)) : a;
    const auto [ma, mb, sum] =
        add_multipliers(a, b, std::hypot(a, b) * rng.uniform(0.5f, 1.2f), rounding);
    const auto point = [&] { return static_cast<int32_t>(between(rng, -128, 127)); };
    op::QAdd add{point(), point(), ma, mb, sum, {i % 4 ? point() : -128, -128, 127, rounding}};
    if (i % 3 == 0) add.out.low = add.out.zero_point;
    linear += cpu::linear_add(add).has_value();
    const op::QConv2dAdd op{{{}, add.a_zero_point, {add.a_zero_point}}, add};
    const std::vector<Tensor> constants = {{},
                                           from_values(weight, {channels, 1, 1, channels}),
                                           zeros({channels}, {DType::int32}),
                                           from_values(quarters, {channels, 2}),
                                           {}};
    std::vector<Tensor> in = constants;
    in.front() = from_values(first, shape);
    in.back() = from_values(second, shape);
    Outputs sums = {empty(shape, {DType::int8})};
    Workspace workspace;
    backend(Device::cpu()).run(add, std::array{in.front(), in.back()}, sums, workspace);
    expect_same_bytes(op, in, constants, sums[0]);
  }
  EXPECT_GE(linear, 20);  // those that tiles add
}

TEST(Int8Ops, PoolingAndMeans) {
  in_both_roundings(4, 60, [](Rng& rng, Single& single) {
    const Shape images{between(rng, 0, 2), between(rng, 1, 9), between(rng, 1, 9),
                       between(rng, 1, 80)};
    const op::PoolWindow window{.kernel = {between(rng, 1, 3), between(rng, 1, 3)},
                                .stride = {between(rng, 1, 3), between(rng, 1, 3)},
                                .padding = rng.below(2) ? Padding(0) : Padding(1, 0, 0, 1),
                                .ceil_mode = rng.below(2) == 1,
                                .count_include_pad = rng.below(2) == 1};
    const int x = single.activation(test::random_integers(images, rng));
    const int64_t elements = images.numel();
    single.expect(op::Mean{{{1, 2}, false}}, {x}, {images[0], images[3]});
    single.expect(op::Mean{{{3}, true}}, {x}, {images[0], images[1], images[2], 1});
    single.expect(op::Sum{{{1, 2}, false}}, {x}, {images[0], images[3]});
    single.expect(op::Sum{{{3}, true}}, {x}, {images[0], images[1], images[2], 1});
    single.expect(op::Relu{}, {x}, images);
    single.expect(op::LeakyRelu{rng.uniform(0, 1.5)}, {x}, images);
    const auto expect_each = [&](const auto&... op) { (single.expect(op, {x}, images), ...); };
    expect_each(op::Elu{}, op::Exp{}, op::Log{}, op::Sqrt{}, op::Abs{}, op::Power{1.5},
                op::Power{2}, op::Power{-0.5}, op::Affine{-2, 0.5}, op::Affine{0.3, 0});
    Quantization coarse = single.random_quantization();  // at least a 128th of the input's
    coarse.scale[0] = std::max(coarse.scale[0], single.quantization(x).scale[0] / 64);
    single.expect(op::HardSwish{}, {x}, images, {}, coarse);
    single.expect(op::Tanh{}, {x}, images, {}, Quantization{{1.0f / 128}, {0}, -1});
    if (elements)
      single.expect(op::Softmax{}, {x}, images, {}, Quantization{{1.0f / 256}, {-128}, -1});
    try {
      const WindowGeometry g = geometry("pool", window, images);
      const Shape shape{g.batch, g.out_h, g.out_w, g.out_c};
      const auto activation = single.random_activation();
      single.expect(op::MaxPool2d{window}, {x}, shape, activation, single.quantization(x));
      single.expect(op::AvgPool2d{window}, {x}, shape, activation, single.quantization(x));
    } catch (const ShapeError&) {
      // the window is larger than the image
    }
  });
}

TEST(Int8Ops, RefuseWhatHasNoInt8Form) {
  Graph graph;
  graph.nodes.push_back({op::LogSoftmax{}, {}, {}, "", {}});
  EXPECT_THROW(int8_op({graph, graph.nodes[0], Rounding::kDouble}), UnsupportedOp);
}

TEST(Int8Ops, CrossTheBorderAsTheInterpreterDoes) {
  Rng rng(5);
  std::vector<float> values;
  for (int i = 0; i < 3000; ++i) values.push_back(rng.normal() * 3);
  for (int i = -600; i < 600; ++i) values.push_back(static_cast<float>(i) * 0.125f);  // ties
  for (const float v : {0.0f, -0.0f, 1e30f, -1e30f, INFINITY, -INFINITY}) values.push_back(v);
  const Tensor x = from_values(values, {static_cast<int64_t>(values.size())});
  for (const Quantization& q : {Quantization{{0.25f}, {3}, -1}, Quantization{{0.0371f}, {-128}, -1},
                                Quantization{{1.0f}, {127}, -1}}) {
    const op::QuantizeLinear to{q.scale[0], q.zero_point[0]};
    const auto expected = quantize_values(x, q);
    const auto real = dequantize_values(expected, q).to_vector<float>();
    cpu::on_isas(cpu::supported_isas(), [&] {
      Workspace workspace;
      Outputs out = {empty(x.shape(), {DType::int8})}, back = {empty(x.shape())};
      backend(Device::cpu()).run(to, std::array{x}, out, workspace);
      EXPECT_EQ(out[0].to_vector<int8_t>(), expected.to_vector<int8_t>());
      backend(Device::cpu()).run(op::DequantizeLinear{to}, out, back, workspace);
      EXPECT_EQ(back[0].to_vector<float>(), real);
    });
  }
}

}  // namespace
}  // namespace tuco::deploy
