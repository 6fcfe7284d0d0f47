#include "tuco/deploy/strips.h"

#include <algorithm>
#include <set>

#include "tuco/core/error.h"
#include "tuco/core/text.h"
#include "tuco/deploy/cost.h"
#include "tuco/deploy/memory_plan.h"

namespace tuco::deploy {
namespace {

/// Rows of an image, from `begin` to before `end`.
struct Rows {
  int64_t begin = 0, end = 0;
  bool empty() const { return begin >= end; }
  int64_t count() const { return end - begin; }
  Rows joined(const Rows& other) const {
    if (empty()) return other;
    return {std::min(begin, other.begin), std::max(end, other.end)};
  }
  friend bool operator==(const Rows&, const Rows&) = default;
};

/// What rows of an output need of an image of `height` rows: which of its rows, and how many cells
/// of padding above and below them.
struct Needs {
  Rows rows;
  int64_t above = 0, below = 0;
};

Needs clipped(int64_t begin, int64_t end, int64_t height) {
  const Rows rows{std::clamp<int64_t>(begin, 0, height), std::clamp<int64_t>(end, 0, height)};
  return {rows, rows.begin - begin, end - rows.end};
}

Needs window_needs(const Rows& out, int64_t stride, int64_t reach, int64_t padding,
                   int64_t height) {
  return clipped(out.begin * stride - padding, (out.end - 1) * stride - padding + reach, height);
}

template <class Op>
constexpr bool kIsWindow = op::in_list<Op, op::TypeList<op::Conv2d, op::MaxPool2d, op::AvgPool2d>>;
/// Each row of the output from the same row of the inputs.
template <class Op>
constexpr bool kKeepsRows = op::Unary<Op> || op::Binary<Op>;

int64_t height_of(const Graph::Value& value) { return value.meta.shape[1]; }

/// What rows of a node's output need of its inputs that are no constants; such a node only.
Needs needs_of(const Graph& graph, const Graph::Node& node, const Rows& out) {
  const Graph::Value& input = graph.values[node.inputs[0]];
  return std::visit(
      [&]<class Op>(const Op& op) -> Needs {
        if constexpr (std::is_same_v<Op, op::Conv2d>) {
          const int64_t kernel = graph.values[node.inputs[1]].meta.shape[1];
          return window_needs(out, op.stride.h, op.dilation.h * (kernel - 1) + 1, op.padding.top,
                              height_of(input));
        } else if constexpr (kIsWindow<Op>) {
          return window_needs(out, op.window.stride.h, op.window.kernel.h, op.window.padding.top,
                              height_of(input));
        } else if constexpr (std::is_same_v<Op, op::Pad>) {
          return clipped(out.begin - op.before[1], out.end - op.before[1], height_of(input));
        } else {
          return {out};
        }
      },
      node.op);
}

/// The rows, with so many of those beside them that an input is needed: rows of nothing but padding
/// cannot be computed alone.
Rows with_input(const Graph& graph, const Graph::Node& node, Rows rows) {
  for (Needs needs = needs_of(graph, node, rows); needs.rows.empty();
       needs = needs_of(graph, node, rows))
    needs.rows.end == 0 ? ++rows.end : --rows.begin;
  return rows;
}

/// The node's op for some of its rows.
op::Any for_rows(const op::Any& any, const Needs& needs) {
  op::Any result = any;
  std::visit(
      [&]<class Op>(Op& op) {
        if constexpr (std::is_same_v<Op, op::Conv2d>) {
          op.padding.top = needs.above;
          op.padding.bottom = needs.below;
        } else if constexpr (kIsWindow<Op>) {
          op.window.padding.top = needs.above;
          op.window.padding.bottom = needs.below;
        } else if constexpr (std::is_same_v<Op, op::Pad>) {
          op.before[1] = needs.above;
          op.after[1] = needs.below;
        }
      },
      result);
  return result;
}

/// Bytes of flash that one more call of a kernel takes at most: code, and its constants' share.
constexpr int64_t kCallBytes = 64;
/// The share of the constants' bytes that calls of free strips may take.
constexpr double kFreeShare = 0.02;

/// Flash for the calls of a graph's kernels; slices and joints of rows seldom need one.
int64_t bytes_of_calls(const Graph& graph) {
  return kCallBytes * std::ranges::count_if(graph.nodes, [](const Graph::Node& node) {
           return !std::holds_alternative<op::Slice>(node.op) &&
                  !std::holds_alternative<op::Concat>(node.op);
         });
}

int64_t constant_bytes(const Graph& graph) {
  int64_t bytes = 0;
  for (const Graph::Value& value : graph.values)
    if (value.constant.defined())
      bytes += value.meta.shape.numel() * static_cast<int64_t>(size_of(value.meta.dtype));
  return bytes;
}

bool is_image(const Graph::Value& value) { return value.meta.shape.rank() == 4; }

bool works_by_rows(const Graph& graph, const Graph::Node& node) {
  const Graph::Value& output = graph.values[node.outputs[0]];
  if (!is_image(output) || node.outputs.size() != 1) return false;
  const auto needs_rows = [&] {
    return !needs_of(graph, node, {0, height_of(output)}).rows.empty();
  };
  return std::visit(
      [&]<class Op>(const Op& op) {
        if (graph.values[node.inputs[0]].constant.defined() && !kKeepsRows<Op>) return false;
        if constexpr (std::is_same_v<Op, op::AvgPool2d>) {
          // Windows may reach beyond the padding, where no cell counts; no strip's padding says so.
          const int64_t bottom = (height_of(output) - 1) * op.window.stride.h -
                                 op.window.padding.top + op.window.kernel.h -
                                 height_of(graph.values[node.inputs[0]]);
          return !op.window.count_include_pad || bottom <= op.window.padding.bottom;
        } else if constexpr (kIsWindow<Op> || std::is_same_v<Op, op::Pad>) {
          return needs_rows();
        } else if constexpr (std::is_same_v<Op, op::Concat>) {
          return op.dim >= 2 && std::ranges::none_of(node.inputs, [&](int input) {
                   return graph.values[input].constant.defined();
                 });
        } else if constexpr (kKeepsRows<Op>) {
          return std::ranges::all_of(node.inputs, [&](int number) {
            const Graph::Value& input = graph.values[number];
            if (!input.constant.defined())
              return is_image(input) && height_of(input) == height_of(output);
            const Shape& shape = input.meta.shape;  // the same for every row
            return shape.rank() < 3 || shape[shape.rank() - 3] == 1;
          });
        } else {
          return false;
        }
      },
      node.op);
}

/// The only value that the first `nodes` nodes leave to others, or -1.
int left_by(const Graph& graph, int nodes) {
  std::set<int> left;
  const auto add = [&](int value) {
    if (graph.values[value].constant.defined()) return;
    if (graph.producer(value) < nodes) left.insert(value);
  };
  for (size_t n = nodes; n < graph.nodes.size(); ++n)
    std::ranges::for_each(graph.nodes[n].inputs, add);
  std::ranges::for_each(graph.outputs, add);
  for (const Graph::State& state : graph.states) add(state.after);
  return left.size() == 1 && graph.producer(*left.begin()) >= 0 ? *left.begin() : -1;
}

/// Makes the strips' nodes.
class Stripper {
 public:
  Stripper(const Graph& graph, int nodes)
      : graph_(graph), result_(graph), nodes_(nodes), whole_(left_by(graph, nodes)) {
    result_.nodes.clear();
  }

  Graph run(int64_t rows) {
    const int64_t height = height_of(graph_.values[whole_]);
    Graph::Node concat{.op = op::Concat{.dim = 1}, .outputs = {whole_}};
    for (int64_t begin = 0; begin < height; begin += rows)
      concat.inputs.push_back(strip({begin, std::min(begin + rows, height)}));
    if (concat.inputs.size() == 1) return graph_;
    result_.nodes.push_back(std::move(concat));
    result_.nodes.insert(result_.nodes.end(), graph_.nodes.begin() + nodes_, graph_.nodes.end());
    result_.remove_unused();
    return std::move(result_);
  }

 private:
  /// Adds the nodes that compute these rows, and returns their value.
  int strip(const Rows& rows) {
    std::vector<Rows> needed(graph_.values.size());
    needed[whole_] = rows;
    for (int n = nodes_ - 1; n >= 0; --n) {
      const Graph::Node& node = graph_.nodes[n];
      Rows& out = needed[node.outputs[0]];
      if (out.empty()) continue;
      out = with_input(graph_, node, out);
      for (const int input : node.inputs)
        if (!graph_.values[input].constant.defined())
          needed[input] = needed[input].joined(needs_of(graph_, node, out).rows);
    }
    std::vector<int> strips(graph_.values.size(), -1);
    for (const int input : graph_.given())
      if (!needed[input].empty()) {
        strips[input] = input;
        needed[input] = {0, height_of(graph_.values[input])};
      }
    for (int n = 0; n < nodes_; ++n) {
      const Graph::Node& node = graph_.nodes[n];
      const Rows& out = needed[node.outputs[0]];
      if (out.empty()) continue;
      const Needs needs = needs_of(graph_, node, out);
      Graph::Node part = node;
      part.op = for_rows(node.op, needs);
      for (int& input : part.inputs)
        if (!graph_.values[input].constant.defined())
          input = rows_of(strips[input], needed[input], needs.rows);
      part.outputs = {add(node.outputs[0], out.count())};
      strips[node.outputs[0]] = part.outputs[0];
      result_.nodes.push_back(std::move(part));
    }
    return rows_of(strips[whole_], needed[whole_], rows);
  }

  /// A value like `value` with so many rows.
  int add(int value, int64_t rows) {
    Graph::Value part = result_.values[value];
    part.meta.shape[1] = rows;
    return result_.add_value(std::move(part));
  }

  /// Of a value that has the rows `there`, those `wanted`.
  int rows_of(int value, const Rows& there, const Rows& wanted) {
    if (wanted == there) return value;
    const int rows = add(value, wanted.count());
    result_.nodes.push_back({.op = op::Slice{.dim = 1,
                                             .start = wanted.begin - there.begin,
                                             .stop = wanted.end - there.begin},
                             .inputs = {value},
                             .outputs = {rows}});
    return rows;
  }

  const Graph& graph_;
  Graph result_;
  int nodes_, whole_;
};

/// Calls visit(nodes, rows) for each of strip_ends() and the heights of strips, from two strips to
/// one for each row, until it returns false.
template <class Visit>
void for_each_cut(const QuantizedModel& model, Visit&& visit) {
  for (const int nodes : strip_ends(model)) {
    const int64_t height = height_of(model.graph.values[left_by(model.graph, nodes)]);
    int64_t before = height;
    for (int64_t strips = 2; strips <= height; ++strips) {
      const int64_t rows = (height + strips - 1) / strips;
      if (rows == before) continue;
      before = rows;
      if (!visit(nodes, rows)) break;
    }
  }
}

}  // namespace

std::vector<int> strip_ends(const QuantizedModel& model) {
  const Graph& graph = model.graph;
  std::vector<int> ends;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (!works_by_rows(graph, graph.nodes[n])) break;
    const int nodes = static_cast<int>(n) + 1;
    if (left_by(graph, nodes) >= 0) ends.push_back(nodes);
  }
  return ends;
}

QuantizedModel in_strips(const QuantizedModel& model, int nodes, int64_t rows) {
  require<Error>(rows > 0 && std::ranges::count(strip_ends(model), nodes) == 1,
                 "strips of {} rows cannot end after {} nodes", rows, nodes);
  return {Stripper(model.graph, nodes).run(rows), model.rounding};
}

QuantizedModel with_free_strips(const QuantizedModel& model) {
  const int64_t products = products_of(model.graph);
  const double allowed = kFreeShare * static_cast<double>(constant_bytes(model.graph));
  std::optional<QuantizedModel> best;
  std::optional<int64_t> least;
  for_each_cut(model, [&](int nodes, int64_t rows) {
    QuantizedModel candidate = in_strips(model, nodes, rows);
    const int64_t calls = bytes_of_calls(candidate.graph) - bytes_of_calls(model.graph);
    if (products_of(candidate.graph) > products || static_cast<double>(calls) > allowed)
      return false;  // thinner strips cost more
    if (!least) least = plan_memory(model).arena_bytes;
    const int64_t bytes = plan_memory(candidate).arena_bytes + calls;
    if (bytes >= *least) return true;
    least = bytes;
    best = std::move(candidate);
    return true;
  });
  return best ? *std::move(best) : model;
}

QuantizedModel fit_arena(const QuantizedModel& model, int64_t arena_bytes) {
  int64_t least = plan_memory(model).arena_bytes;
  if (least <= arena_bytes) return model;
  std::optional<QuantizedModel> best;
  int64_t best_products = 0;
  for_each_cut(model, [&](int nodes, int64_t rows) {
    QuantizedModel candidate = in_strips(model, nodes, rows);
    const int64_t products = products_of(candidate.graph);
    if (best && products >= best_products) return false;  // thinner strips cost more
    const int64_t arena = plan_memory(candidate).arena_bytes;
    least = std::min(least, arena);
    if (arena > arena_bytes) return true;
    best = std::move(candidate);
    best_products = products;
    return false;
  });
  require<Error>(best.has_value(),
                 "the arena cannot be made smaller than {} bytes, and {} are allowed",
                 grouped(least), grouped(arena_bytes));
  return *std::move(best);
}

}  // namespace tuco::deploy
