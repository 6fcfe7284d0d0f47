#include "tuco/deploy/quantize.h"

#include "tuco/autograd/functions.h"
#include "tuco/core/error.h"
#include "tuco/deploy/ops/lstm.h"
#include "tuco/deploy/passes.h"
#include "tuco/deploy/rules.h"
#include "tuco/deploy/trace.h"
#include "tuco/layers/module.h"

namespace tuco::deploy {
namespace {

template <class Op>
concept HasRules = requires(const Op& op, Quantizer& q, Graph::Node& n, const QuantizedNode& qn,
                            Inputs in, Program& program) {
  quantize(op, q, n);
  emit(op, qn, program);
  { lower(op, qn) } -> std::same_as<Int8Op>;
};
template <class Op>
concept HasInterpreter = requires(const Op& op, const QuantizedNode& qn, Inputs in, Tensor& out) {
  interpret(op, qn, in, out);
}
|| requires(const Op& op, const QuantizedNode& qn, Inputs in, std::vector<Tensor>& out) {
  interpret(op, qn, in, out);
};
template <class... Op>
constexpr bool are_complete(const std::variant<Op...>*) {
  static_assert((((HasRules<Op> && HasInterpreter<Op>) != (not_quantizable<Op> != nullptr)) && ...),
                "an op needs the rules of deploy/rules.h, or a reason in not_quantizable");
  return true;
}
static_assert(are_complete(static_cast<op::Any*>(nullptr)));

/// The input's integers are pixel - 128: real = (pixel - mean) / deviation.
Quantization of_pixels(const Preprocessing& preprocessing) {
  require<Error>(preprocessing.mean == std::round(preprocessing.mean) &&
                     std::abs(preprocessing.mean - 128) <= 127,
                 "quantize: the pixels' mean {} must be a whole number from 1 to 255",
                 preprocessing.mean);
  return {{1 / preprocessing.deviation}, {static_cast<int32_t>(preprocessing.mean) - 128}, -1};
}

/// The real numbers of a constant.
Range range_of(const Tensor& constant) {
  Range range{0, 0};
  for (const float v : constant.to_vector<float>()) {
    require<Error>(std::isfinite(v), "quantize: a constant holds {}", v);
    range = {std::min(range.low, v), std::max(range.high, v)};
  }
  return range;
}

/// All that a concat joins, a maximum chooses from, or padding adds, shares a scale: what it comes
/// from, activations and constants, gets one range.
void tie_joined(const Graph& graph, std::vector<Range>& ranges) {
  const auto range_at = [&](int v) {
    const Tensor& constant = graph.values[v].constant;
    return constant.defined() ? range_of(constant) : ranges[v];
  };
  for (bool changed = true; changed;) {
    changed = false;
    for (const Graph::Node& node : graph.nodes) {
      if (!joins_scales(node.op)) continue;
      const std::set<int> sources = scale_sources(graph, node.outputs[0]);
      Range all{0, 0};
      if (const auto* pad = std::get_if<op::Pad>(&node.op)) {
        const auto value = static_cast<float>(pad->value);
        all = {std::min(0.0f, value), std::max(0.0f, value)};
      }
      for (const int v : sources) {
        const Range range = range_at(v);
        all = {std::min(all.low, range.low), std::max(all.high, range.high)};
      }
      for (const int v : sources) {
        changed |= !(ranges[v] == all);
        ranges[v] = all;
      }
    }
  }
}

/// What a state is from run to run, and what a recurrent layer gives at each step and at the end,
/// has one scale: it gets one range.
void tie_states(const Graph& graph, std::vector<Range>& ranges) {
  const auto tie = [&](std::initializer_list<int> values, Range all) {
    for (const int v : values)
      if (!graph.values[v].constant.defined() && !ranges[v].is_empty())
        all = {std::min(all.low, ranges[v].low), std::max(all.high, ranges[v].high)};
    bool changed = false;
    for (const int v : values) {
      if (graph.values[v].constant.defined()) continue;
      changed |= !(ranges[v] == all);
      ranges[v] = all;
    }
    return changed;
  };
  for (bool changed = true; changed;) {
    changed = false;
    for (const Graph::State& state : graph.states)
      changed |= tie({state.before, state.after}, range_of(graph.values[state.initial].constant));
    for (const Graph::Node& node : graph.nodes) {
      if (!std::holds_alternative<op::Lstm>(node.op)) continue;
      changed |= tie(
          {node.inputs[kLstmHidden], node.outputs[kLstmY], node.outputs[kLstmLastHidden]}, {0, 0});
      changed |= tie({node.inputs[kLstmCell], node.outputs[kLstmLastCell]}, {0, 0});
    }
  }
}

/// Gives states their scales and turns what they begin as into integers.
void quantize_states(Quantizer& quantizer) {
  Graph& graph = quantizer.graph();
  for (Graph::State& state : graph.states) {
    const auto is_cell_of = [&](const Graph::Node& node) {
      return std::holds_alternative<op::Lstm>(node.op) && node.inputs[kLstmCell] == state.before;
    };
    if (std::ranges::any_of(graph.nodes, is_cell_of))
      quantizer.fixed(state.before, lstm_cell_quantization(quantizer.range(state.before)),
                      DType::int16);
    else
      quantizer.calibrated(state.before);
    const Quantization quantization = quantizer.quantization(state.before);
    const Graph::Value initial = graph.values[state.initial];
    state.initial = quantizer.add_integers(
        initial.name,
        quantize_values(initial.constant, quantization, graph.values[state.before].meta.dtype),
        quantization);
  }
}

/// Brings what states become to the scale in which they are read.
void rescale_states(Quantizer& quantizer) {
  Graph& graph = quantizer.graph();
  for (Graph::State& state : graph.states) {
    const Graph::Value before = graph.values[state.before], after = graph.values[state.after];
    if (before.quantization == after.quantization) continue;
    require<UnsupportedOp>(before.meta.dtype == DType::int8 && after.meta.dtype == DType::int8,
                           "quantize: the state \"{}\" changes its scale", before.name);
    const int rescaled = graph.add_value({after.name + ".rescaled", after.meta, {}, {}});
    quantizer.fixed(rescaled, *before.quantization);
    graph.nodes.push_back({op::Clamp{}, {state.after}, {rescaled}, before.name, {}});
    state.after = rescaled;
  }
}

}  // namespace

Quantization Quantizer::covering(const Range& range) {
  // Zero must have an integer of its own, since padding and ReLU produce it.
  const double low = std::min(0.0f, range.low), high = std::max(0.0f, range.high);
  const auto scale = static_cast<float>((high - low) / 255);
  if (!(scale > 0)) return {{1.0f}, {0}, -1};
  // Of the two ends, the one whose zero point needs the less rounding decides.
  const double from_low = -128 - low / scale, from_high = 127 - high / scale;
  const double error_low = std::abs(from_low - std::round(from_low));
  const double error_high = std::abs(from_high - std::round(from_high));
  const double zero_point = std::round(error_low <= error_high ? from_low : from_high);
  return {{scale}, {static_cast<int32_t>(std::clamp(zero_point, -128.0, 127.0))}, -1};
}

void Quantizer::calibrated(int number) { fixed(number, covering(ranges_[number])); }

void Quantizer::fixed(int number, const Quantization& quantization, DType dtype) {
  graph_.values[number].quantization = quantization;
  graph_.values[number].meta.dtype = dtype;
}

int Quantizer::add_integers(std::string name, const Tensor& integers,
                            const Quantization& quantization) {
  // Two ops may read one constant, and make integers of different scales of it.
  const auto is_taken = [&](const std::string& wanted) {
    return std::ranges::any_of(graph_.values, [&](const Graph::Value& value) {
      return value.constant.defined() && value.quantization && value.name == wanted;
    });
  };
  std::string unique = name;
  for (int i = 2; is_taken(unique); ++i) unique = fmt::format("{}_{}", name, i);
  return graph_.add_value({unique, integers.meta(), integers, quantization});
}

void Quantizer::constant(Graph::Node& node, size_t input, const Quantization& quantization,
                         DType dtype) {
  const Graph::Value real = value(node.inputs[input]);
  const Tensor integers = quantize_values(real.constant, quantization, dtype);
  node.inputs[input] = add_integers(real.name, integers, quantization);
}

void Quantizer::constants(Graph::Node& node) {
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    const Graph::Value& input = value(node.inputs[i]);
    if (input.constant.defined()) constant(node, i, covering(range_of(input.constant)));
  }
}

void Quantizer::joined(Graph::Node& node) {
  const auto is_constant = [&](int v) { return value(v).constant.defined(); };
  const auto first = std::ranges::find_if_not(node.inputs, is_constant);
  require<UnsupportedOp>(first != node.inputs.end(), "{}: of constants alone", name(node.op));
  const Quantization shared = quantization(*first);
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    if (is_constant(node.inputs[i]))
      constant(node, i, shared);
    else
      require<UnsupportedOp>(quantization(node.inputs[i]) == shared,
                             "{}: inputs of different fixed scales have no int8 kernel",
                             name(node.op));
  }
  fixed(node.outputs[0], shared);
}

void Quantizer::weights(Graph::Node& node) {
  const Graph::Value weight = value(node.inputs[1]);
  require<UnsupportedOp>(weight.constant.defined(), "{}: the weight is not a constant",
                         name(node.op));
  const float input_scale = quantization(node.inputs[0]).scale[0];
  const auto real = weight.constant.to_vector<float>();
  const int64_t channels = weight.meta.shape[0];
  const int64_t each = channels ? static_cast<int64_t>(real.size()) / channels : 0;
  std::vector<float> bias(channels, 0);
  const bool has_bias = node.inputs.size() > 2;
  if (has_bias) bias = value(node.inputs[2]).constant.to_vector<float>();

  Quantization of_weight{{}, std::vector<int32_t>(channels, 0), 0}, of_bias = of_weight;
  std::vector<int8_t> integers(real.size());
  std::vector<int32_t> bias_integers(channels);
  for (int64_t c = 0; c < channels; ++c) {
    const auto row = std::span(real).subspan(c * each, each);
    float largest = 0;
    for (const float w : row) largest = std::max(largest, std::abs(w));
    // A bias must fit int32 with room for the sum: a channel of tiny weights takes a coarser scale.
    const float least = std::abs(bias[c]) / (input_scale * float{1 << 30});
    float scale = std::max(largest / 127, least);
    if (!(scale > 0)) scale = 1;
    of_weight.scale.push_back(scale);
    of_bias.scale.push_back(input_scale * scale);
    for (int64_t i = 0; i < each; ++i)
      integers[c * each + i] =
          static_cast<int8_t>(std::clamp(std::round(row[i] / scale), -127.0f, 127.0f));
    bias_integers[c] =
        static_cast<int32_t>(std::round(double{bias[c]} / (double{input_scale} * double{scale})));
  }
  const Tensor int8_weight = from_values(integers, weight.meta.shape);
  node.inputs[1] = add_integers(weight.name, int8_weight, of_weight);
  if (has_bias) {
    const Tensor int32_bias = from_values(bias_integers, {channels});
    node.inputs[2] = add_integers(value(node.inputs[2]).name, int32_bias, of_bias);
  }
}

QuantizedNode::Bounds QuantizedNode::bounds() const {
  Bounds result{-128, 127};
  if (!node.activation) return result;
  // TFLite: zero point + round(value / scale), in float32.
  const auto to_integer = [&](double value) {
    const float q = static_cast<float>(output_zero_point()) +
                    std::round(static_cast<float>(value) / output_scale());
    return static_cast<int32_t>(std::clamp(q, -128.0f, 127.0f));
  };
  if (std::isfinite(node.activation->low)) result.low = to_integer(node.activation->low);
  if (std::isfinite(node.activation->high)) result.high = to_integer(node.activation->high);
  return result;
}

std::vector<Multiplier> QuantizedNode::channel_multipliers() const {
  std::vector<Multiplier> multipliers;
  for (const float scale : input(1).quantization->scale)
    multipliers.push_back(
        quantize_multiplier(product_factor(input_scale(0), scale, output_scale()), rounding));
  return multipliers;
}

std::vector<Tensor> QuantizedNode::product_constants() const {
  std::vector<int32_t> multipliers;
  for (const Multiplier& m : channel_multipliers()) {
    multipliers.push_back(m.value);
    multipliers.push_back(m.shift);
  }
  const auto channels = static_cast<int64_t>(multipliers.size()) / 2;
  return {input(1).constant, inputs() > 2 ? input(2).constant : zeros({channels}, {DType::int32}),
          from_values(multipliers, {channels, 2})};
}

bool works_in_place(const op::Any& any) {
  return std::visit(
      []<class Op>(const Op&) {
        return op::Unary<Op> || op::Binary<Op> ||
               op::in_list<Op, op::TypeList<op::Softmax, op::QAdd, op::QSub, op::QMul, op::QPRelu,
                                            op::QLookup, op::QSoftmax>>;
      },
      any);
}

bool takes_activation(const op::Any& any) {
  return std::visit(
      []<class Op>(const Op&) {
        return op::in_list<Op, op::TypeList<op::Conv2d, op::Linear, op::Add, op::Sub, op::Mul,
                                            op::MaxPool2d, op::AvgPool2d>>;
      },
      any);
}

bool is_alias(const op::Any& op) { return std::holds_alternative<op::Reshape>(op); }

QuantizedModel quantize(const Graph& graph, const Tensor& samples, const QuantizeOptions& options) {
  QuantizedModel model{graph, options.rounding};
  if (options.preprocessing) model.graph.preprocessing = options.preprocessing;
  auto ranges = calibrate(graph, samples, options.calibration);
  for (std::vector<Range> before; before != ranges;) {
    before = ranges;
    tie_states(graph, ranges);
    tie_joined(graph, ranges);
  }
  Quantizer quantizer(model.graph, std::move(ranges));
  for (const int input : graph.inputs) {
    if (model.graph.preprocessing)
      quantizer.fixed(input, of_pixels(*model.graph.preprocessing));
    else
      quantizer.calibrated(input);
  }
  quantize_states(quantizer);
  for (size_t i = 0; i < model.graph.nodes.size(); ++i) {
    // A copy: rules add values and change the node while they run.
    Graph::Node node = model.graph.nodes[i];
    for (size_t k = 0; k < node.inputs.size(); ++k) {
      const Graph::Value& input = model.graph.values[node.inputs[k]];
      require<UnsupportedOp>(input.quantization || input.constant.defined(),
                             "quantize: node {} ({}): input {} has no int8 form", i, name(node.op),
                             k);
    }
    std::visit(
        [&]<class Op>(const Op& op) {
          if constexpr (not_quantizable<Op> != nullptr)
            fail<UnsupportedOp>("quantize: node {} ({}{}{}): {}", i, name(graph.nodes[i].op),
                                node.name.empty() ? "" : " of ", node.name, not_quantizable<Op>);
          else
            quantize(op, quantizer, node);
        },
        graph.nodes[i].op);
    model.graph.nodes[i] = std::move(node);
  }
  rescale_states(quantizer);
  model.graph.remove_unused();
  return model;
}

QuantizedModel quantize(const Module& net, const Tensor& samples, const QuantizeOptions& options) {
  require<Error>(samples.rank() > 0 && samples.dim(0) > 0, "quantize: no samples");
  Graph graph = trace(net, contiguous(slice(samples, 0, 0, 1)));
  optimize(graph);
  return quantize(graph, samples, options);
}

Tensor quantize_values(const Tensor& real, const Quantization& quantization, DType dtype) {
  const float high = dtype == DType::int8 ? 127.0f : 32767.0f;
  auto values = real.to_vector<float>();
  for (float& value : values)
    value = std::clamp(std::round(value / quantization.scale.at(0)) +
                           static_cast<float>(quantization.zero_point.at(0)),
                       -1 - high, high);
  return from_values(values, real.shape()).to(dtype);
}

Tensor dequantize_values(const Tensor& integers, const Quantization& quantization) {
  const Tensor wide = integers.to(DType::float32);
  std::vector<float> zero_points(quantization.zero_point.begin(), quantization.zero_point.end());
  Shape shape = Shape::filled(integers.rank(), 1);
  if (quantization.axis >= 0)
    shape[quantization.axis] = static_cast<int64_t>(quantization.scale.size());
  const Tensor scale = from_values(quantization.scale, shape);
  return (wide - from_values(zero_points, shape)) * scale;
}

}  // namespace tuco::deploy
