#include "tuco/deploy/engine/plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "tuco/core/error.h"
#include "tuco/deploy/cost.h"
#include "tuco/deploy/engine/by_image.h"
#include "tuco/deploy/engine/lower.h"
#include "tuco/deploy/engine/plan_data.h"
#include "tuco/deploy/passes.h"
#include "tuco/deploy/run_graph.h"
#include "tuco/deploy/states.h"
#include "tuco/deploy/trace.h"
#include "tuco/layers/module.h"

namespace tuco::deploy {
namespace {

/// Every value begins on a cache line of its own.
constexpr int64_t kAlignment = 64;

Shape with_batch(Shape shape, int64_t batch) {
  if (shape.rank() > 0) shape[0] = batch;
  return shape;
}

/// Where the values of the lowered graph lie; results that nobody reads need no place.
MemoryPlan place(const Graph& graph, int64_t max_batch, const std::vector<int64_t>* offsets) {
  const auto shapes = infer_shapes(graph, max_batch);
  std::vector<int64_t> sizes(shapes.size(), 0);
  const std::vector<int> given = graph.given();
  for (int v = 0; v < static_cast<int>(shapes.size()); ++v) {
    const bool read =
        !graph.consumers(v).empty() || graph.is_kept(v) || std::ranges::count(given, v) > 0;
    if (!read || graph.values[v].constant.defined()) continue;
    require<ShapeError>(shapes[v].numel() <= kMaxElements,
                        "Plan: value \"{}\" of shape {} is too large", graph.values[v].name,
                        shapes[v]);
    sizes[v] = shapes[v].numel() * static_cast<int64_t>(size_of(graph.values[v].meta.dtype));
  }
  const MemoryOptions memory{.alignment = kAlignment, .keep_inputs = true, .states_in_place = true};
  return offsets ? adopt_memory_plan(graph, sizes, memory, *offsets)
                 : plan_memory(graph, sizes, memory);
}

void move_constants(Graph& graph, Device device) {
  for (Graph::Value& value : graph.values) {
    value.meta.device = device;
    if (value.constant.defined()) value.constant = value.constant.detach().to(device);
  }
}

void prepare(PlanData& data) {
  for (const Graph::Node& node : data.graph.nodes) {
    std::vector<Tensor> constants;
    for (const int v : node.inputs) constants.push_back(data.graph.values[v].constant);
    data.prepared.push_back(is_alias(node.op) || is_strided_view(node.op)
                                ? nullptr
                                : backend(data.options.device).prepare(node.op, constants));
  }
}

}  // namespace

Plan PlanBuilder::build(const std::vector<int64_t>* offsets) && {
  require<Error>(options.max_batch >= 1, "Plan: a batch of at most {}, expected 1 or more",
                 options.max_batch);
  backend(options.device);  // throws where it is not there
  auto data = std::make_shared<PlanData>();
  data->source = std::move(source);
  data->rounding = rounding;
  data->options = options;
  data->note = std::move(note);
  data->graph = rounding ? lower(QuantizedModel{data->source, *rounding})
                         : lower(data->source, infer_shapes(data->source, options.max_batch));
  data->graph = with_states_in_place(data->graph);
  // It is the caches of CPUs that several images are too large for.
  data->by_image = options.device.kind == Device::Kind::cpu && options.max_batch > 1 &&
                   is_faster_by_image(data->graph) && keeps_images_apart(data->graph);
  data->memory = place(data->graph, data->most_at_once(), offsets);
  move_constants(data->graph, options.device);
  prepare(*data);
  return Plan(std::move(data));
}

bool is_strided_view(const op::Any& op) {
  return std::holds_alternative<op::Slice>(op) || std::holds_alternative<op::Permute>(op) ||
         std::holds_alternative<op::Expand>(op);
}

Plan Plan::compile(const Graph& graph, const PlanOptions& options) {
  Graph optimized = graph;
  move_constants(optimized, Device::cpu());
  optimize(optimized);
  return PlanBuilder{std::move(optimized), {}, options}.build();
}

Plan Plan::compile(const QuantizedModel& model, const PlanOptions& options) {
  return PlanBuilder{model.graph, model.rounding, options}.build();
}

Plan Plan::compile(const Module& net, const Tensor& example, const PlanOptions& options) {
  return compile(trace(net, example), options);
}

namespace {

std::vector<TensorMeta> metas_of(const PlanData& data, const std::vector<int>& values) {
  std::vector<TensorMeta> metas;
  for (const int v : values) {
    metas.push_back(data.source.values[v].meta);
    metas.back().shape = with_batch(metas.back().shape, 1);
    metas.back().device = data.options.device;
  }
  return metas;
}

}  // namespace

std::vector<TensorMeta> Plan::inputs() const { return metas_of(*data_, data_->source.inputs); }
std::vector<TensorMeta> Plan::outputs() const { return metas_of(*data_, data_->source.outputs); }
std::optional<Quantization> Plan::input_quantization(int index) const {
  return data_->source.values[data_->source.inputs.at(index)].quantization;
}
std::optional<Quantization> Plan::output_quantization(int index) const {
  return data_->source.values[data_->source.outputs.at(index)].quantization;
}
const std::optional<Preprocessing>& Plan::preprocessing() const {
  return data_->source.preprocessing;
}
bool Plan::is_quantized() const { return data_->rounding.has_value(); }
int64_t Plan::max_batch() const { return data_->options.max_batch; }
Device Plan::device() const { return data_->options.device; }
int64_t Plan::arena_bytes() const { return data_->memory.arena_bytes; }
int64_t Plan::arena_lower_bound() const { return data_->memory.lower_bound; }

int64_t Plan::constant_bytes() const {
  int64_t bytes = 0;
  for (const Graph::Value& value : data_->graph.values)
    if (value.constant.defined())
      bytes += value.constant.numel() * static_cast<int64_t>(size_of(value.constant.dtype()));
  return bytes;
}

std::vector<PlanStep> Plan::steps() const {
  std::vector<PlanStep> steps;
  for (const Graph::Node& node : data_->graph.nodes) {
    const NodeCost cost = cost_of(data_->graph, node);
    Shape shape = data_->graph.values[node.outputs[0]].meta.shape;
    if (shape.rank() > 0) shape = Shape(std::span(shape.begin() + 1, shape.end()));
    steps.push_back({name(node.op), node.name, shape, cost.products, cost.activation_bytes,
                     cost.constant_bytes});
  }
  return steps;
}

const std::string& Plan::note() const { return data_->note; }

std::string Plan::to_string() const {
  return fmt::format(
      "plan for batches of up to {} on {}: {} bytes of constants, an arena of {} bytes\n{}",
      max_batch(), device(), constant_bytes(), arena_bytes(), data_->graph.to_string());
}

}  // namespace tuco::deploy
