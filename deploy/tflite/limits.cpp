#include "tuco/deploy/tflite/limits.h"

#include <cmath>

#include "tuco/core/error.h"
#include "tuco/deploy/multiplier.h"
#include "tuco/deploy/ops/chain.h"

namespace tuco::tflite {
namespace {

class Limits {
 public:
  Limits(const Graph& graph, const Graph::Node& node) : graph_(graph), node_(node) {}

  template <class Op>
  void check(const Op& op) const {
    if constexpr (std::is_same_v<Op, op::Clamp>) {
      for (const double bound : {op.low, op.high})
        require<UnsupportedOp>(!std::isfinite(bound) || std::abs(bound) < 0x1p30 * output(),
                               "the bound {} at a scale of {}, beyond 32 bits", bound, output());
    } else if constexpr (op::in_list<Op, op::TypeList<op::Add, op::Sub>>) {
      // Their factor must be below 1, or the runtimes end the process.
      const double common = 2 * double{std::max(input(0), input(1))};
      require<UnsupportedOp>(common < (1 << 20) * double{output()},
                             "its result's scale {} is too small for the inputs' {} and {}",
                             output(), input(0), input(1));
    } else if constexpr (op::in_list<Op, op::TypeList<op::Abs, op::PRelu, op::Sum>>) {
      // Integers are shifted left before they are multiplied.
      double largest = 255, factor = deploy::rescale_factor(input(0), output());
      if constexpr (std::is_same_v<Op, op::PRelu>)
        if (input(1) > 1.0f / 255) largest *= 255, factor *= double{input(1)};
      if constexpr (std::is_same_v<Op, op::Sum>)
        largest *= static_cast<double>(shape(node_.inputs[0]).numel()) /
                   static_cast<double>(shape(node_.outputs[0]).numel());
      require<UnsupportedOp>(largest * 2 * factor < 0x1p31,
                             "its result's scale {} is too small for the input's {}: numbers "
                             "overflow 32 bits",
                             output(), input(0));
    } else if constexpr (op::in_list<Op, op::TypeList<op::Elu, op::Exp, op::Log>>) {
      // Tables are made of integers of 32 bits.
      const auto& from = *graph_.values[node_.inputs[0]].quantization;
      const double largest = double{input(0)} * (127 - from.zero_point[0]);
      const double result = std::is_same_v<Op, op::Exp>   ? std::exp(largest)
                            : std::is_same_v<Op, op::Log> ? std::abs(std::log(double{input(0)})) + 6
                                                          : largest;
      require<UnsupportedOp>(result < 0x1p30 * double{output()},
                             "the result {} at a scale of {}, beyond 32 bits", result, output());
    } else if constexpr (op::in_list<Op, op::TypeList<op::Affine, op::Power>>) {
      const auto& from = *graph_.values[node_.inputs[0]].quantization;
      const auto& to = *graph_.values[node_.outputs[0]].quantization;
      if (const auto chain = deploy::chain_of(op, from, to))
        for (const Graph::Node& part : chain->nodes) check_limits(*chain, part);
    } else if constexpr (op::in_list<Op, op::TypeList<op::Sigmoid, op::Tanh>>) {
      // Below, the input at which they saturate overflows 32 bits.
      require<UnsupportedOp>(input(0) >= 0x1p-28f && input(0) < 0x1p4f,
                             "an input scale of {}, expected 2^-28 to 2^4", input(0));
    } else if constexpr (std::is_same_v<Op, op::HardSwish>) {
      // It divides numbers of 16 bits by powers of two.
      const auto scaling = deploy::hard_swish_scaling(input(0), output());
      require<UnsupportedOp>(scaling.output_shift >= -15 && scaling.share_shift >= -15,
                             "the scales {} and {}, at which numbers of 16 bits overflow", input(0),
                             output());
    }
  }

 private:
  float input(size_t i) const {
    return graph_.values[node_.inputs.at(i)].quantization.value().scale.at(0);
  }
  float output() const {
    return graph_.values[node_.outputs.at(0)].quantization.value().scale.at(0);
  }

  const Shape& shape(int value) const { return graph_.values[value].meta.shape; }

  const Graph& graph_;
  const Graph::Node& node_;
};

}  // namespace

void check_limits(const Graph& graph, const Graph::Node& node) {
  std::visit([&](const auto& op) { Limits(graph, node).check(op); }, node.op);
}

}  // namespace tuco::tflite
