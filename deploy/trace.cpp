#include "tuco/deploy/trace.h"

#include <fmt/format.h>

#include <unordered_map>

#include "tuco/autograd/functions.h"
#include "tuco/autograd/grad_mode.h"
#include "tuco/autograd/run_op.h"
#include "tuco/core/error.h"
#include "tuco/core/host_access.h"
#include "tuco/core/rng.h"
#include "tuco/deploy/run_graph.h"
#include "tuco/layers/module.h"

namespace tuco::deploy {
namespace {

class Recorder final : public Tracer {
 public:
  Recorder(const Tensor& example, const NamedTensors& names) : batch_(example.dim(0)) {
    for (const auto& [name, tensor] : names) names_.emplace(tensor.id(), name);
    graph_.inputs = {number_of_new(example, "input")};
    depends_[0] = true;
  }

  void record(const op::Any& any, Inputs inputs, const Outputs& outputs) override {
    Graph::Node node{any, {}, {}, {}, {}};
    bool depends = false;
    for (const Tensor& input : inputs) {
      node.inputs.push_back(number_of(input));
      depends |= depends_[node.inputs.back()];
    }
    if (depends) make_batch_symbolic(node.op);
    for (const Tensor& output : outputs) {
      node.outputs.push_back(number_of_new(output, name(any)));
      depends_[node.outputs.back()] = depends;
    }
    node.name = current_module_path();
    if (node.name.empty()) node.name = owner_of_first_constant(node);
    graph_.nodes.push_back(std::move(node));
  }

  Graph finish(const Tensor& result) {
    const auto found = numbers_.find(result.id());
    require<Error>(found != numbers_.end() && depends_[found->second],
                   "trace: the result does not depend on the input through Tuco's functions");
    graph_.outputs = {found->second};
    graph_.values[found->second].name = "output";
    graph_.remove_unused();
    return std::move(graph_);
  }

 private:
  int number_of_new(const Tensor& tensor, const std::string& value_name) {
    const int number = graph_.add_value({value_name, tensor.meta(), {}, {}});
    numbers_[tensor.id()] = number;
    storages_.emplace(tensor.storage().get(), number);
    // A tensor's identity is its address, so none may be freed meanwhile.
    alive_.push_back(tensor);
    depends_.resize(graph_.values.size());
    return number;
  }

  int number_of(const Tensor& tensor) {
    if (const auto found = numbers_.find(tensor.id()); found != numbers_.end())
      return found->second;
    const auto shared = storages_.find(tensor.storage().get());
    require<Error>(shared == storages_.end() || !depends_[shared->second],
                   "trace: a tensor of shape {} was detached from what it was computed from",
                   tensor.shape());
    const auto named = names_.find(tensor.id());
    const int number = number_of_new(
        tensor, named != names_.end() ? named->second : fmt::format("constant{}", constants_++));
    graph_.values[number].constant = dense(tensor.detach());
    return number;
  }

  /// Outside of modules an op is named like its first parameter, less the last part.
  std::string owner_of_first_constant(const Graph::Node& node) const {
    for (const int input : node.inputs) {
      const Graph::Value& value = graph_.values[input];
      const size_t dot = value.name.rfind('.');
      if (value.constant.defined() && dot != std::string::npos) return value.name.substr(0, dot);
    }
    return {};
  }

  /// A reshape that repeats the example's batch holds for any.
  void make_batch_symbolic(op::Any& any) const {
    auto* reshape = std::get_if<op::Reshape>(&any);
    if (!reshape || reshape->shape.rank() == 0 || reshape->shape[0] != batch_) return;
    if (!std::ranges::count(reshape->shape, -1)) reshape->shape[0] = -1;
  }

  int64_t batch_;
  Graph graph_;
  std::unordered_map<const void*, std::string> names_;
  std::unordered_map<const void*, int> numbers_;
  std::unordered_map<const Storage*, int> storages_;
  std::vector<bool> depends_;
  std::vector<Tensor> alive_;
  int constants_ = 0;
};

/// Another batch of other values in the example's range, to compare graph and module on.
Tensor probe(const Tensor& example) {
  Shape shape = example.shape();
  shape[0] += 1;
  Rng rng(0x7475636f);
  const double low = -max(-example).item<double>(), high = max(example).item<double>();
  return (rand(shape, rng) * std::max(high - low, 1.0) + low)
      .to(example.dtype())
      .to(example.device());
}

bool same_bits(const Tensor& a, const Tensor& b) {
  if (!(a.meta() == b.meta())) return false;
  const Tensor x = dense(a).to(Device::cpu()), y = dense(b).to(Device::cpu());
  return std::memcmp(x.raw(), y.raw(), x.numel() * size_of(x.dtype())) == 0;
}

}  // namespace

Graph trace(const std::function<Tensor(const Tensor&)>& forward, const Tensor& example,
            const NamedTensors& names) {
  require<ShapeError>(example.rank() >= 1 && example.dim(0) >= 1,
                      "trace: example {}, expected a batch of one or more", example.shape());
  NoGrad quiet;
  Graph graph = [&] {
    const Tensor input = example.detach();
    Recorder recorder(input, names);
    const TracerScope scope(&recorder);
    const ForbidHostAccess forbid;
    return recorder.finish(forward(input));
  }();
  const Tensor other = probe(example);
  require<Error>(same_bits(run_graph(graph, {other}).at(0), forward(other)),
                 "trace: the graph does not give the module's result on another batch: a value "
                 "was computed outside Tuco's functions, or depends on the batch");
  return graph;
}

Graph trace(const Module& net, const Tensor& example) {
  require<Error>(!net.training(), "trace: the module is in training mode, call eval() first");
  return trace([&](const Tensor& x) { return net(x); }, example, net.state());
}

}  // namespace tuco::deploy
