#include "tuco/layers/summary.h"

#include <algorithm>
#include <unordered_map>

#include "tuco/autograd/functions.h"
#include "tuco/autograd/run_op.h"
#include "tuco/core/error.h"
#include "tuco/core/text.h"
#include "tuco/layers/evaluate.h"

namespace tuco {
namespace {

/// Multiply-accumulates of one op.
int64_t count_products(const op::Any& op, Inputs in, const Outputs& out) {
  if (std::holds_alternative<op::Conv2d>(op) || std::holds_alternative<op::Linear>(op))
    return out[0].numel() * (in[1].numel() / in[1].dim(0));
  if (std::holds_alternative<op::Lstm>(op))  // of each step, with its input and the hidden state
    return out[0].dim(0) * out[0].dim(1) * (in[1].numel() + in[2].numel());
  if (const auto* product = std::get_if<op::MatMul>(&op))
    return out[0].numel() * in[0].dim(product->transpose_a ? -2 : -1);
  return 0;
}

/// Attributes each op to the module that runs it.
class Counter : public Tracer {
 public:
  explicit Counter(const Module& net) {
    for (const auto& [path, module] : net.modules()) modules_[&module.body()] = {path, module};
  }

  void record(const op::Any& op, Inputs inputs, const Outputs& outputs) override {
    const Module::Body* body = current_module();
    const auto found = modules_.find(body);
    if (found == modules_.end()) return;
    const auto [row, is_new] = row_of_.try_emplace(body, rows.size());
    if (is_new) {
      const auto& [path, module] = found->second;
      rows.push_back({path, module.kind(), {}, own_parameters(module), 0});
    }
    rows[row->second].output = outputs[0].shape();
    rows[row->second].products += count_products(op, inputs, outputs);
  }

  std::vector<SummaryRow> rows;

 private:
  static int64_t own_parameters(const Module& module) {
    int64_t count = 0;
    for (const auto& [name, tensor] : module.named_parameters())
      if (name.find('.') == name.npos) count += tensor.numel();
    return count;
  }

  std::unordered_map<const Module::Body*, std::pair<std::string, Module>> modules_;
  std::unordered_map<const Module::Body*, size_t> row_of_;
};

}  // namespace

Summary summary(const Module& net, const Shape& input) {
  require<Error>(net.defined(), "summary: the handle refers to nothing");
  const Evaluating evaluating(net);
  Counter counter(net);
  TensorOptions options;
  if (const auto parameters = net.parameters(); !parameters.empty())
    options = {parameters[0].dtype(), parameters[0].device()};
  const Tensor x = zeros(input, options);
  {
    const TracerScope scope(&counter);
    net(x);
  }
  Summary result{input, std::move(counter.rows)};
  result.parameters = net.count_parameters();
  for (const SummaryRow& row : result.rows) result.products += row.products;
  return result;
}

std::string Summary::to_string() const {
  size_t width = 5, shape_width = 6;
  for (const SummaryRow& row : rows) {
    width = std::max(width, row.name.size() + row.kind.size() + 3);
    shape_width = std::max(shape_width, row.output.to_string().size());
  }
  std::string text = fmt::format("input {}\n", input);
  const auto line = [&](const std::string& name, const std::string& shape, const std::string& count,
                        const std::string& work) {
    text += fmt::format("{:<{}}  {:<{}}  {:>12}  {:>15}\n", name, width, shape, shape_width, count,
                        work);
  };
  line("layer", "output", "parameters", "products");
  for (const SummaryRow& row : rows)
    line(row.name.empty() ? row.kind : fmt::format("{} ({})", row.name, row.kind),
         row.output.to_string(), grouped(row.parameters), grouped(row.products));
  line("total", "", grouped(parameters), grouped(products));
  return text;
}

}  // namespace tuco
