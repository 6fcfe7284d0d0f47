#include "tuco/deploy/engine/context.h"

#include <chrono>
#include <map>

#include "tuco/autograd/functions.h"
#include "tuco/autograd/grad_mode.h"
#include "tuco/autograd/run_op.h"
#include "tuco/core/error.h"
#include "tuco/core/parallel.h"
#include "tuco/deploy/engine/plan_data.h"
#include "tuco/deploy/run_graph.h"

namespace tuco::deploy {
namespace {

/// The plan's ops tied to the places of one batch size.
struct Binding {
  std::vector<Tensor> inputs, outputs;
  /// What a run finds and changes of the graph's states, and what they are before the first run.
  std::vector<Tensor> states, initial;
  /// One for each node, null where it has nothing to compute. None at all in batches that run image
  /// by image, whose inputs and outputs lie outside the arena.
  std::unique_ptr<BoundSequence> steps;
};

/// On the CPU, which alone runs image by image.
void copy_image(const Tensor& from, int64_t i, const Tensor& to, int64_t j) {
  const auto bytes =
      static_cast<size_t>(to.numel() / std::max<int64_t>(to.dim(0), 1)) * size_of(to.dtype());
  std::memcpy(static_cast<std::byte*>(to.raw()) + j * bytes,
              static_cast<const std::byte*>(from.raw()) + i * bytes, bytes);
}

/// Runs an op of one input and one output on tensors that are there.
void run_into(const op::Any& op, const Tensor& in, Tensor out) {
  Workspace workspace;
  backend(out.device()).run(op, {&in, 1}, {&out, 1}, workspace);
}

}  // namespace

struct Context::Impl {
  Impl(const Plan& compiled, const ContextOptions& chosen)
      : plan(compiled),
        options(chosen),
        arena(std::make_shared<Storage>(compiled.arena_bytes(), compiled.device())) {}

  Binding& binding(int64_t batch) {
    if (last && last->first == batch) [[likely]]
      return last->second;
    auto found = bindings.find(batch);
    if (found == bindings.end()) found = bindings.emplace(batch, bind(batch)).first;
    last = &*found;
    return found->second;
  }

  Binding bind(int64_t batch) const;
  Binding bind_batch(int64_t batch) const;

  /// Calls compute(steps) for the whole batch, or for each image.
  template <class Compute>
  void run(int64_t batch, const Compute& compute) {
    const ThreadLimit limit(options.threads > 0 ? options.threads
                                                : std::numeric_limits<int>::max());
    const Binding& whole = binding(batch);
    if (batch != batch_of_states) {
      for (size_t i = 0; i < whole.states.size(); ++i)
        run_into(op::Copy{}, whole.initial[i], whole.states[i]);
      batch_of_states = batch;
    }
    if (whole.steps) return compute(*whole.steps);
    const Binding& single = binding(1);
    for (int64_t i = 0; i < batch; ++i) {
      for (size_t k = 0; k < whole.inputs.size(); ++k)
        copy_image(whole.inputs[k], i, single.inputs[k], 0);
      compute(*single.steps);
      for (size_t k = 0; k < whole.outputs.size(); ++k)
        copy_image(single.outputs[k], 0, whole.outputs[k], i);
    }
  }

  Plan plan;
  ContextOptions options;
  std::shared_ptr<Storage> arena;
  std::map<int64_t, Binding> bindings;
  /// The batch whose last run left the states, or -1.
  int64_t batch_of_states = -1;
  /// The one of the last run; a map's elements stay where they are.
  std::pair<const int64_t, Binding>* last = nullptr;
};

/// A batch that runs image by image.
Binding Context::Impl::bind_batch(int64_t batch) const {
  const Graph& graph = plan.data().graph;
  const auto shapes = infer_shapes(graph, batch);
  const auto tensor = [&](int v) {
    return zeros(shapes[v], {graph.values[v].meta.dtype, arena->device()});
  };
  Binding bound;
  for (const int v : graph.inputs) bound.inputs.push_back(tensor(v));
  for (const int v : graph.outputs) bound.outputs.push_back(tensor(v));
  return bound;
}

Binding Context::Impl::bind(int64_t batch) const {
  const PlanData& data = plan.data();
  const Graph& graph = data.graph;
  require<ShapeError>(batch >= 0 && batch <= data.options.max_batch,
                      "Context: a batch of {}, the plan is for at most {}", batch,
                      data.options.max_batch);
  if (batch > data.most_at_once()) return bind_batch(batch);
  NoGrad quiet;
  const auto shapes = infer_shapes(graph, batch);
  std::vector<Tensor> values(graph.values.size());
  for (size_t v = 0; v < values.size(); ++v) {
    const Graph::Value& value = graph.values[v];
    if (value.constant.defined()) {
      values[v] = value.constant;
      continue;
    }
    const auto size = static_cast<int64_t>(size_of(value.meta.dtype));
    const int64_t bytes = shapes[v].numel() * size;
    if (data.memory.sizes[v] == 0 && bytes > 0) continue;  // nobody reads it
    require<ShapeError>(bytes <= data.memory.sizes[v],
                        "Context: value \"{}\" is larger for a batch of {} than for one of {}",
                        value.name, batch, data.options.max_batch);
    Layout layout(shapes[v]);
    layout.offset = data.memory.offsets[v] / size;
    values[v] = Tensor(arena, layout, value.meta.dtype);
  }

  Binding bound;
  for (const int v : graph.inputs) bound.inputs.push_back(values[v]);
  for (const int v : graph.outputs) bound.outputs.push_back(values[v]);
  for (const Graph::State& state : graph.states) bound.states.push_back(values[state.before]);
  bound.initial = initial_states(graph, batch);
  Backend& device = backend(arena->device());
  std::vector<std::unique_ptr<Bound>> steps;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Graph::Node& node = graph.nodes[i];
    std::vector<Tensor> in, out;
    for (const int v : node.inputs) in.push_back(values[v]);
    for (const int v : node.outputs) out.push_back(values[v]);
    op::Any op = node.op;
    if (is_alias(op) && in[0].raw() == out[0].raw()) {
      steps.push_back(nullptr);
      continue;
    }
    if (is_alias(op) || is_strided_view(op)) {
      in = run_op(op, in);
      op = op::Copy{};
    }
    steps.push_back(device.bind(op, in, out, data.prepared[i].get()));
  }
  bound.steps = options.one_launch ? device.sequence(std::move(steps))
                                   : std::make_unique<BoundSequence>(std::move(steps));
  return bound;
}

Context::Context(const Plan& plan, const ContextOptions& options)
    : impl_(std::make_unique<Impl>(plan, options)) {}
Context::~Context() = default;
Context::Context(Context&&) noexcept = default;
Context& Context::operator=(Context&&) noexcept = default;

const Plan& Context::plan() const { return impl_->plan; }
Tensor Context::input(int64_t batch, int index) { return impl_->binding(batch).inputs.at(index); }
Tensor Context::output(int64_t batch, int index) { return impl_->binding(batch).outputs.at(index); }

void Context::reset() { impl_->batch_of_states = -1; }

void Context::run(int64_t batch) {
  impl_->run(batch, [](BoundSequence& steps) { steps.run(); });
}

void Context::run(int64_t batch, std::vector<double>& seconds) {
  using Clock = std::chrono::steady_clock;
  seconds.assign(impl_->plan.data().graph.nodes.size(), 0);
  Backend& device = backend(impl_->plan.device());
  impl_->run(batch, [&](BoundSequence& steps) {
    device.synchronize();
    auto before = Clock::now();
    for (size_t i = 0; i < steps.parts().size(); ++i) {
      if (steps.parts()[i]) steps.parts()[i]->run();
      device.synchronize();
      const auto now = Clock::now();
      seconds[i] += std::chrono::duration<double>(now - before).count();
      before = now;
    }
  });
}

std::string Context::launch_note(int64_t batch) {
  const Binding& bound = impl_->binding(batch);
  return bound.steps ? bound.steps->note() : std::string();
}

Tensor Context::operator()(const Tensor& input) { return (*this)(input, input.device()); }

Tensor Context::operator()(const Tensor& input, Device result) {
  const Plan& plan = impl_->plan;
  require<Error>(plan.inputs().size() == 1 && plan.outputs().size() == 1,
                 "Context: {} inputs and {} outputs, expected one of each", plan.inputs().size(),
                 plan.outputs().size());
  const TensorMeta wanted = plan.inputs()[0];
  const bool real = plan.is_quantized() && input.dtype() != DType::int8;
  const DType expected = real ? DType::float32 : wanted.dtype;
  require<DTypeError>(input.dtype() == expected, "Context: input is {}, expected {}", input.dtype(),
                      expected);
  Shape shape = wanted.shape;
  if (input.rank() > 0) shape[0] = input.dim(0);
  require<ShapeError>(input.shape() == shape, "Context: input {}, expected {}", input.shape(),
                      shape);
  backend(result);  // throws where it is not there, before anything runs
  NoGrad quiet;
  const Tensor dense_input = dense(input);
  std::vector<Tensor> parts;
  const int64_t images = input.dim(0);
  for (int64_t first = 0; first < images || parts.empty();) {
    const int64_t batch = std::min(images - first, plan.max_batch());
    const Tensor part = slice(dense_input, 0, first, first + batch).to(plan.device());
    const Binding& bound = impl_->binding(batch);
    if (real) {
      const Quantization q = *plan.input_quantization();
      run_into(op::QuantizeLinear{q.scale[0], q.zero_point[0]}, part, bound.inputs[0]);
    } else {
      run_into(op::Copy{}, part, bound.inputs[0]);
    }
    reset();
    run(batch);
    if (real) {
      const Quantization q = *plan.output_quantization();
      Tensor real_output = empty(bound.outputs[0].shape(), {DType::float32, plan.device()});
      run_into(op::DequantizeLinear{{q.scale[0], q.zero_point[0]}}, bound.outputs[0], real_output);
      parts.push_back(real_output.to(result));
    } else if (result == plan.device()) {
      parts.push_back(bound.outputs[0].clone());
    } else {
      parts.push_back(bound.outputs[0].to(result));
    }
    first += batch;
  }
  return parts.size() == 1 ? parts[0] : concat(parts, 0);
}

}  // namespace tuco::deploy
