#include "tuco/deploy/ops/lstm.h"

#include <array>
#include <cmath>

#include "tuco/core/error.h"
#include "tuco/core/parallel.h"
#include "tuco/deploy/ops/emit.h"
#include "tuco/deploy/ops/products.h"
#include "tuco/deploy/reference_arithmetic.h"
#include "tuco/deploy/runtime/lstm.h"

namespace tuco::deploy {
namespace {

/// The scales of what goes into gates, and of what comes out of them.
constexpr double kGateScale = 0x1p-12, kActivationScale = 0x1p-15;
/// Powers of two that a cell's scale may be.
constexpr int kMinCellPower = -20, kMaxCellPower = 0;
constexpr int32_t kLargest = 32767, kSmallest = -32768;
/// What a sum with its bias may be.
constexpr int64_t kMaxSum = int64_t{1} << 29;

const Graph::Value& output(const QuantizedNode& node, LstmOutput which) {
  return node.graph.values[node.node.outputs[which]];
}

int cell_power(const QuantizedNode& node) {
  return std::ilogb(output(node, kLstmLastCell).quantization->scale[0]);
}

struct Sizes {
  int64_t steps, inputs, units;
};

Sizes sizes_of(const QuantizedNode& node) {
  const Shape& x = node.input(kLstmX).meta.shape;
  return {x[1], x[2], node.input(kLstmRecurrent).meta.shape[1]};
}

/// The multiplier of each gate for inputs or hidden values.
std::array<Multiplier, kLstmGates> gate_multipliers(const QuantizedNode& node, LstmInput x,
                                                    LstmInput weight) {
  std::array<Multiplier, kLstmGates> result;
  const auto& scales = node.input(weight).quantization->scale;
  const size_t units = scales.size() / kLstmGates;
  for (size_t gate = 0; gate < kLstmGates; ++gate)
    result[gate] = quantize_multiplier(
        product_factor(node.input(x).quantization->scale[0], scales[gate * units], kGateScale),
        node.rounding);
  return result;
}

struct Numbers {
  std::array<Multiplier, kLstmGates> input, recurrent;
  /// Forget gate times cell, input gate times cell gate, output gate times tanh of the cell.
  Multiplier forget, update, output;
  int32_t tanh_multiplier, tanh_shift, cell_low, cell_high;
};

Numbers numbers_of(const op::Lstm& op, const QuantizedNode& node) {
  const double cell_scale = output(node, kLstmLastCell).quantization->scale[0];
  const double product = kActivationScale * kActivationScale;
  Numbers n{gate_multipliers(node, kLstmX, kLstmWeight),
            gate_multipliers(node, kLstmHidden, kLstmRecurrent),
            quantize_multiplier(kActivationScale * cell_scale / cell_scale, node.rounding),
            quantize_multiplier(product / cell_scale, node.rounding),
            quantize_multiplier(product / double{node.output_scale()}, node.rounding),
            3,
            0,
            kSmallest,
            kLargest};
  // Tanh takes thirds of 2^-12: a coarser cell is multiplied, a finer one divided.
  const int left = cell_power(node) + 12;
  if (left >= 0)
    n.tanh_multiplier = 3 << left;
  else
    n.tanh_shift = -left;
  if (op.cell_clip > 0) {
    // TFLite truncates, and compares as float does.
    const double clip = double{static_cast<float>(op.cell_clip)} / cell_scale;
    n.cell_high = static_cast<int32_t>(std::min(clip, double{kLargest}));
    n.cell_low = -n.cell_high;
  }
  return n;
}

/// Biases with the zero points in them, as (units, 8): the four gates' for the inputs and for the
/// hidden values.
std::vector<int32_t> folded_biases(const QuantizedNode& node) {
  const auto [steps, inputs, units] = sizes_of(node);
  const auto weight = node.input(kLstmWeight).constant.to_vector<int8_t>(),
             recurrent = node.input(kLstmRecurrent).constant.to_vector<int8_t>();
  const auto bias = node.input(kLstmBias).constant.to_vector<int32_t>();
  const auto row_sum = [](const std::vector<int8_t>& rows, int64_t row, int64_t depth) {
    int32_t sum = 0;
    for (int64_t i = 0; i < depth; ++i) sum += rows[row * depth + i];
    return sum;
  };
  std::vector<int32_t> result;
  for (int64_t u = 0; u < units; ++u) {
    for (int gate = 0; gate < kLstmGates; ++gate)
      result.push_back(bias[gate * units + u] -
                       node.input_zero_point(kLstmX) * row_sum(weight, gate * units + u, inputs));
    for (int gate = 0; gate < kLstmGates; ++gate)
      result.push_back(-node.input_zero_point(kLstmHidden) *
                       row_sum(recurrent, gate * units + u, units));
  }
  return result;
}

/// Weights as the kernels read them: for each unit its four rows of `weight`, then of `recurrent`,
/// filled up with zeros to multiples of four, each four rows packed by pack(rows, depth), which may
/// give nothing.
template <class Pack>
std::optional<std::vector<int32_t>> packed_weights(const QuantizedNode& node, Pack&& pack) {
  const int64_t units = sizes_of(node).units;
  std::vector<int32_t> packed;
  for (int64_t u = 0; u < units; ++u)
    for (const LstmInput which : {kLstmWeight, kLstmRecurrent}) {
      const Tensor& tensor = node.input(which).constant;
      const int64_t depth = tensor.dim(1), padded = tuco_lstm_depth(static_cast<int32_t>(depth));
      std::vector<int8_t> rows(kLstmGates * padded, 0);
      for (int64_t gate = 0; gate < kLstmGates; ++gate)
        std::copy_n(tensor.data<int8_t>() + (gate * units + u) * depth, depth,
                    rows.begin() + gate * padded);
      const auto part = pack(rows, padded);
      if (!part) return std::nullopt;
      packed.insert(packed.end(), part->begin(), part->end());
    }
  return packed;
}

std::optional<std::vector<int32_t>> weights_in_pairs(const QuantizedNode& node) {
  return packed_weights(node, [](const std::vector<int8_t>& rows, int64_t depth) {
    return pack_four_rows(rows, depth);
  });
}

std::vector<int32_t> plain_weights(const QuantizedNode& node) {
  return *packed_weights(node, [](const std::vector<int8_t>& rows, int64_t) {
    return std::optional<std::vector<int32_t>>({rows.begin(), rows.end()});
  });
}

/// The members of tuco_lstm_numbers in turn.
std::vector<int64_t> number_list(const op::Lstm& op, const QuantizedNode& node) {
  const auto [steps, inputs, units] = sizes_of(node);
  const Numbers n = numbers_of(op, node);
  std::vector<int64_t> list{steps, inputs, units};
  for (const auto& gates : {n.input, n.recurrent}) {
    for (const Multiplier& m : gates) list.push_back(m.value);
    for (const Multiplier& m : gates) list.push_back(m.shift);
  }
  for (const Multiplier& m : {n.forget, n.update, n.output}) {
    list.push_back(m.value);
    list.push_back(m.shift);
  }
  for (const int64_t number : {n.tanh_multiplier, n.tanh_shift, n.cell_low, n.cell_high,
                               node.output_zero_point(), static_cast<int32_t>(node.rounding)})
    list.push_back(number);
  return list;
}

/// The table of sigmoids at |x| / 2^bits, along straight lines.
int64_t sigmoid_at(int64_t x, int bits, int64_t largest) {
  const int64_t unit = int64_t{1} << bits, i = x / unit;
  if (i >= 255) return largest;
  const int64_t here = tuco_sigmoid_table[i], next = tuco_sigmoid_table[i + 1];
  return here * (unit - x % unit) + next * (x % unit);
}

/// From 12 bits behind the point to 15.
int32_t sigmoid(int32_t x) {
  const int64_t wide = 3 * int64_t{x}, y = sigmoid_at(std::abs(wide), 9, 0x7fff << 10);
  return static_cast<int32_t>((wide >= 0 ? y + 512 : (1 << 25) - y + 511) >> 10);
}

int32_t tanh(int32_t x, int32_t multiplier, int32_t shift) {
  const int64_t half = shift > 0 ? int64_t{1} << (shift - 1) : 0;
  const int64_t wide = (int64_t{x} * multiplier + half) >> shift;
  const int64_t y = sigmoid_at(std::abs(wide), 8, 0xffff << 8) - (1 << 23);
  return static_cast<int32_t>((wide >= 0 ? y + 128 : -y + 127) >> 8);
}

int32_t saturated(int32_t x) { return std::clamp(x, kSmallest, kLargest); }

/// One example's states and sums, for the interpreter.
class Steps {
 public:
  Steps(const op::Lstm& op, const QuantizedNode& node, Inputs in)
      : node_(node), in_(in), n_(numbers_of(op, node)), sizes_(sizes_of(node)) {}

  void run(const int8_t* x, int8_t* y, int8_t* hidden, int16_t* cell) const {
    const auto [steps, inputs, units] = sizes_;
    for (int64_t t = 0; t < steps; ++t) {
      int8_t* out = y + t * units;
      for (int64_t u = 0; u < units; ++u) {
        const auto gate = [&](int64_t g) { return gate_sum(x + t * inputs, hidden, g, u); };
        const int32_t input = sigmoid(gate(0)), forget = sigmoid(gate(1)),
                      candidate = tanh(gate(2), 3, 0), open = sigmoid(gate(3));
        const int32_t kept = saturated(scaled(forget * cell[u], n_.forget, node_.rounding));
        const int32_t update = saturated(scaled(input * candidate, n_.update, node_.rounding));
        const int32_t c = std::clamp(saturated(kept + update), n_.cell_low, n_.cell_high);
        cell[u] = static_cast<int16_t>(c);
        out[u] = requantized(tanh(c, n_.tanh_multiplier, n_.tanh_shift) * open, n_.output,
                             node_.rounding, node_.output_zero_point(), -128, 127);
      }
      std::copy_n(out, units, hidden);
    }
  }

 private:
  int32_t gate_sum(const int8_t* x, const int8_t* hidden, int64_t gate, int64_t unit) const {
    const int64_t row = gate * sizes_.units + unit;
    const auto sum = [&](const int8_t* values, LstmInput weight, LstmInput input, int64_t depth) {
      const int8_t* w = in_[weight].data<int8_t>() + row * depth;
      int32_t result = 0;
      for (int64_t i = 0; i < depth; ++i)
        result += (values[i] - node_.input_zero_point(input)) * w[i];
      return result;
    };
    const int32_t from_x =
        sum(x, kLstmWeight, kLstmX, sizes_.inputs) + in_[kLstmBias].data<int32_t>()[row];
    const int32_t from_hidden = sum(hidden, kLstmRecurrent, kLstmHidden, sizes_.units);
    return saturated(saturated(scaled(from_x, n_.input[gate], node_.rounding)) +
                     saturated(scaled(from_hidden, n_.recurrent[gate], node_.rounding)));
  }

  const QuantizedNode& node_;
  Inputs in_;
  Numbers n_;
  Sizes sizes_;
};

/// Rounds the rows of a float weight to int8, with one scale for the rows of each gate.
std::pair<Tensor, Quantization> by_gates(const Tensor& weight) {
  const auto real = weight.to_vector<float>();
  const size_t rows = weight.dim(0), depth = real.size() / rows, units = rows / kLstmGates;
  Quantization quantization{{}, std::vector<int32_t>(rows, 0), 0};
  std::vector<int8_t> integers(real.size());
  for (size_t gate = 0; gate < kLstmGates; ++gate) {
    const size_t begin = gate * units * depth, end = begin + units * depth;
    float largest = 0;
    for (size_t i = begin; i < end; ++i) largest = std::max(largest, std::abs(real[i]));
    const float scale = largest > 0 ? largest / 127 : 1;
    quantization.scale.insert(quantization.scale.end(), units, scale);
    for (size_t i = begin; i < end; ++i)
      integers[i] = static_cast<int8_t>(std::clamp(std::round(real[i] / scale), -127.0f, 127.0f));
  }
  return {from_values(integers, weight.shape()), quantization};
}

}  // namespace

bool owns_state(const Graph::Node& node, const Graph::State& state) {
  const auto is_of = [&](LstmInput input, LstmOutput output) {
    return node.inputs[input] == state.before && node.outputs[output] == state.after;
  };
  return std::holds_alternative<op::Lstm>(node.op) &&
         (is_of(kLstmHidden, kLstmLastHidden) || is_of(kLstmCell, kLstmLastCell));
}

Quantization lstm_cell_quantization(const Range& range) {
  // A sequence that was not seen may go further; and eight bits behind the point are enough.
  const double reach = std::max(8.0, 2.0 * std::max(std::abs(range.low), std::abs(range.high)));
  const int power = static_cast<int>(std::ceil(std::log2(reach))) - 15;
  return {{static_cast<float>(std::ldexp(1.0, std::min(power, kMaxCellPower)))}, {0}, -1};
}

void quantize(const op::Lstm&, Quantizer& quantizer, Graph::Node& node) {
  const auto is_constant = [&](LstmInput i) {
    return quantizer.value(node.inputs[i]).constant.defined();
  };
  for (const LstmInput i : {kLstmWeight, kLstmRecurrent, kLstmBias})
    require<UnsupportedOp>(is_constant(i), "lstm: input {} is not a constant", static_cast<int>(i));
  for (const LstmOutput o : {kLstmY, kLstmLastHidden}) quantizer.calibrated(node.outputs[o]);
  const Quantization hidden = quantizer.quantization(node.outputs[kLstmY]);
  if (is_constant(kLstmHidden)) quantizer.constant(node, kLstmHidden, hidden);
  const Quantization cell =
      is_constant(kLstmCell) ? lstm_cell_quantization(quantizer.range(node.outputs[kLstmLastCell]))
                             : quantizer.quantization(node.inputs[kLstmCell]);
  quantizer.fixed(node.outputs[kLstmLastCell], cell, DType::int16);
  if (is_constant(kLstmCell)) quantizer.constant(node, kLstmCell, cell, DType::int16);

  const float x_scale = quantizer.quantization(node.inputs[kLstmX]).scale[0];
  for (const LstmInput i : {kLstmWeight, kLstmRecurrent}) {
    const Graph::Value real = quantizer.value(node.inputs[i]);
    const auto [integers, quantization] = by_gates(real.constant);
    node.inputs[i] = quantizer.add_integers(real.name, integers, quantization);
  }
  const Graph::Value bias = quantizer.value(node.inputs[kLstmBias]);
  Quantization of_bias = *quantizer.value(node.inputs[kLstmWeight]).quantization;
  std::vector<int32_t> integers;
  for (const float b : bias.constant.to_vector<float>()) {
    float& scale = of_bias.scale[integers.size()];
    scale *= x_scale;
    const double steps = std::round(double{b} / double{scale});
    require<UnsupportedOp>(std::abs(steps) < double{kMaxSum},
                           "lstm: the bias {} beside weights of the scale {} has no int32", b,
                           scale / x_scale);
    integers.push_back(static_cast<int32_t>(steps));
  }
  node.inputs[kLstmBias] =
      quantizer.add_integers(bias.name, from_values(integers, bias.meta.shape), of_bias);
}

void check_lstm(const op::Lstm& op, const QuantizedNode& node) {
  require<FormatError>(node.inputs() == 6 && node.node.outputs.size() == 3,
                       "lstm has {} inputs and {} results, expected 6 and 3", node.inputs(),
                       node.node.outputs.size());
  const auto [steps, inputs, units] = sizes_of(node);
  for (const LstmInput i : {kLstmWeight, kLstmRecurrent}) {
    const Graph::Value& weight = node.input(i);
    const Shape wanted{kLstmGates * units, i == kLstmWeight ? inputs : units};
    require<FormatError>(weight.constant.defined() && weight.meta.dtype == DType::int8 &&
                             weight.meta.shape == wanted && weight.meta.shape.numel() > 0,
                         "lstm: weight \"{}\" is not a constant of {} int8", weight.name, wanted);
    require<FormatError>(
        weight.quantization && weight.quantization->axis == 0 &&
            static_cast<int64_t>(weight.quantization->scale.size()) == kLstmGates * units &&
            std::ranges::all_of(weight.quantization->zero_point, [](int z) { return z == 0; }),
        "lstm: weight \"{}\" has not one scale, and zero point 0, for each row", weight.name);
    const auto& scales = weight.quantization->scale;
    for (size_t row = 0; row < scales.size(); ++row)
      require<UnsupportedOp>(scales[row] == scales[row / units * units],
                             "lstm: the rows of a gate in \"{}\" have several scales", weight.name);
  }
  const Graph::Value& bias = node.input(kLstmBias);
  require<FormatError>(bias.constant.defined() && bias.meta.dtype == DType::int32 &&
                           bias.meta.shape == Shape{kLstmGates * units},
                       "lstm: the bias is not a constant of {} int32", kLstmGates * units);
  const Quantization &hidden = *output(node, kLstmY).quantization,
                     &cell = *output(node, kLstmLastCell).quantization;
  require<UnsupportedOp>(*node.input(kLstmHidden).quantization == hidden &&
                             *output(node, kLstmLastHidden).quantization == hidden,
                         "lstm: the hidden values have another scale than the output");
  require<UnsupportedOp>(*node.input(kLstmCell).quantization == cell,
                         "lstm: the cells change their scale");
  const int power = cell_power(node);
  require<UnsupportedOp>(
      std::ldexp(1.0f, power) == cell.scale[0] && power >= kMinCellPower && power <= kMaxCellPower,
      "lstm: the cells' scale {} is not one of 2^{} to 2^{}", cell.scale[0], kMinCellPower,
      kMaxCellPower);
  require<UnsupportedOp>(hidden.scale[0] > 0x1p-29, "lstm: the output's scale {} is below 2^-29",
                         hidden.scale[0]);
  require<FormatError>(std::isfinite(op.cell_clip), "lstm: cells clipped at {}", op.cell_clip);

  const auto biases = bias.constant.to_vector<int32_t>();
  for (int64_t row = 0; row < kLstmGates * units; ++row)
    for (const LstmInput i : {kLstmWeight, kLstmRecurrent}) {
      const Tensor& weight = node.input(i).constant;
      int64_t sum = i == kLstmWeight ? std::abs(int64_t{biases[row]}) : 0;
      for (int64_t k = 0; k < weight.dim(1); ++k)
        sum += 255 * std::abs(int64_t{weight.data<int8_t>()[row * weight.dim(1) + k]});
      require<FormatError>(sum < kMaxSum, "lstm: sums of row {} may overflow", row);
    }
  numbers_of(op, node);  // throws where a factor is too large
}

void interpret(const op::Lstm& op, const QuantizedNode& node, Inputs in, std::vector<Tensor>& out) {
  const auto [steps, inputs, units] = sizes_of(node);
  const Steps one(op, node, in);
  const auto first = [&](int64_t example, const auto* values, LstmInput i) {
    return values + (in[i].dim(0) == 1 ? 0 : example * units);
  };
  parallel_for(0, out[kLstmY].dim(0), 1, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      int8_t* hidden = out[kLstmLastHidden].data<int8_t>() + n * units;
      int16_t* cell = out[kLstmLastCell].data<int16_t>() + n * units;
      std::copy_n(first(n, in[kLstmHidden].data<int8_t>(), kLstmHidden), units, hidden);
      std::copy_n(first(n, in[kLstmCell].data<int16_t>(), kLstmCell), units, cell);
      one.run(in[kLstmX].data<int8_t>() + n * steps * inputs,
              out[kLstmY].data<int8_t>() + n * steps * units, hidden, cell);
    }
  });
}

Int8Op lower(const op::Lstm& op, const QuantizedNode& node) {
  const std::vector<int32_t> weights = plain_weights(node), biases = folded_biases(node);
  const auto list = number_list(op, node);
  const std::vector<int32_t> numbers(list.begin(), list.end());
  const std::vector<int8_t> bytes(weights.begin(), weights.end());
  const auto units = sizes_of(node).units;
  const auto row = static_cast<int64_t>(bytes.size()) / units;
  return {op::QLstm{},
          {node.node.inputs[kLstmX], node.node.inputs[kLstmHidden], node.node.inputs[kLstmCell]},
          {from_values(bytes, {units, row}), from_values(biases, {units, 2 * kLstmGates}),
           from_values(numbers, {1, static_cast<int64_t>(numbers.size())})}};
}

NodeMemory lstm_memory(const QuantizedNode& node) {
  const auto [steps, inputs, units] = sizes_of(node);
  NodeMemory memory;
  memory.scratch = tuco_lstm_scratch(static_cast<int32_t>(inputs), static_cast<int32_t>(units));
  // After step t, (t + 1) * units bytes are written, and inputs from (t + 1) * inputs on are to
  // come.
  const int64_t growth = units - inputs;
  memory.lead = {steps > 1 ? std::max(growth, (steps - 1) * growth) : -inputs};
  return memory;
}

void emit(const op::Lstm& op, const QuantizedNode& node, Program& program) {
  const auto& [inputs, outputs] = std::tie(node.node.inputs, node.node.outputs);
  const auto words = [&](int value) {
    Argument place = program.place(value);
    place.kind = Argument::Kind::kScratch;
    return place;
  };
  const bool is_constant = node.input(kLstmCell).constant.defined();
  const Argument first_hidden = program.operand(inputs[kLstmHidden], "hidden");
  const Argument first_cell =
      is_constant ? program.constant(inputs[kLstmCell], "cell") : words(inputs[kLstmCell]);
  const auto pairs = weights_in_pairs(node);
  const Argument weights = pairs ? program.array("int16_t", "weight", *pairs)
                                 : program.array("int8_t", "weight", plain_weights(node));
  const Argument bias = program.array("int32_t", "bias", folded_biases(node));
  std::vector<Member> members;
  const std::vector<int64_t> list = number_list(op, node);
  // Sizes; then arrays of one number for each gate; then numbers.
  for (size_t i = 0; i < list.size();) {
    const size_t count = i >= 3 && i < 3 + 4 * kLstmGates ? kLstmGates : 1;
    members.push_back(Member::int32s({list.begin() + i, list.begin() + i + count}));
    i += count;
  }
  const Argument numbers = program.structure("tuco_lstm_numbers", "lstm", std::move(members));
  program.call("lstm.h", pairs ? "lstm" : "lstm_plain",
               {program.place(outputs[kLstmY]), program.place(inputs[kLstmX]),
                program.place(outputs[kLstmLastHidden]), words(outputs[kLstmLastCell]),
                first_hidden, first_cell, program.scratch(), weights, bias, numbers});
}

}  // namespace tuco::deploy
