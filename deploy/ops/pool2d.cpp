#include "tuco/core/ops/pool2d.h"

#include "tuco/core/parallel.h"
#include "tuco/deploy/ops/emit.h"
#include "tuco/deploy/rules.h"

namespace tuco::deploy {
namespace {

/// Calls body(output index, channel, window) for every output, where window(f) calls f(input index)
/// for the window's cells inside the image and returns how many cells lie in the padded image.
template <class Body>
void for_each_window(const WindowGeometry& g, Body&& body) {
  parallel_for(0, g.batch * g.out_h, 1, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      for (int64_t ox = 0; ox < g.out_w; ++ox)
        for (int64_t c = 0; c < g.in_c; ++c) {
          const auto window = [&](auto&& visit) {
            int64_t padded_cells = 0;
            for (int64_t ky = 0; ky < g.kernel.h; ++ky)
              for (int64_t kx = 0; kx < g.kernel.w; ++kx) {
                const int64_t iy = row % g.out_h * g.stride.h + ky - g.padding.top;
                const int64_t ix = ox * g.stride.w + kx - g.padding.left;
                padded_cells += iy < g.in_h + g.padding.bottom && ix < g.in_w + g.padding.right;
                if (iy < 0 || iy >= g.in_h || ix < 0 || ix >= g.in_w) continue;
                visit(((row / g.out_h * g.in_h + iy) * g.in_w + ix) * g.in_c + c);
              }
            return padded_cells;
          };
          body((row * g.out_w + ox) * g.in_c + c, window);
        }
  });
}

}  // namespace

void quantize(const op::MaxPool2d&, Quantizer& quantizer, Graph::Node& node) {
  node.outputs.resize(1);  // no one reads the winners
  quantizer.like(node.outputs[0], node.inputs[0]);
}

void interpret(const op::MaxPool2d& op, const QuantizedNode& node, Inputs in, Tensor& out) {
  const auto bounds = node.bounds();
  const int8_t* x = in[0].data<int8_t>();
  int8_t* y = out.data<int8_t>();
  for_each_window(geometry(op.name, op.window, in[0].shape()), [&](int64_t at, auto&& window) {
    int32_t best = -128;
    window([&](int64_t i) { best = std::max<int32_t>(best, x[i]); });
    y[at] = static_cast<int8_t>(std::clamp(best, bounds.low, bounds.high));
  });
}

Int8Op lower(const op::MaxPool2d& op, const QuantizedNode& node) {
  const auto [low, high] = node.bounds();
  return {op::QMaxPool2d{op.window, low, high}, node.node.inputs};
}

void emit(const op::MaxPool2d& op, const QuantizedNode& node, Program& program) {
  const WindowGeometry g = geometry(op.name, op.window, node.input(0).meta.shape);
  const auto [low, high] = node.bounds();
  program.call("pool.h", "max_pool",
               {output_place(program, node), input_place(program, node),
                window_structure(program, g), low, high});
}

void quantize(const op::AvgPool2d&, Quantizer& quantizer, Graph::Node& node) {
  quantizer.like(node.outputs[0], node.inputs[0]);
}

void interpret(const op::AvgPool2d& op, const QuantizedNode& node, Inputs in, Tensor& out) {
  const int8_t* x = in[0].data<int8_t>();
  int8_t* y = out.data<int8_t>();
  const int64_t zero_point = node.input_zero_point(0);
  const auto bounds = node.bounds();
  for_each_window(geometry(op.name, op.window, in[0].shape()), [&](int64_t at, auto&& window) {
    int64_t sum = 0, cells = 0;
    const int64_t padded_cells = window([&](int64_t i) {
      sum += x[i];
      ++cells;
    });
    if (op.window.count_include_pad) {
      sum += (padded_cells - cells) * zero_point;
      cells = padded_cells;
    }
    y[at] = static_cast<int8_t>(std::clamp<int64_t>(
        (sum > 0 ? sum + cells / 2 : sum - cells / 2) / cells, bounds.low, bounds.high));
  });
}

Int8Op lower(const op::AvgPool2d& op, const QuantizedNode& node) {
  const auto [low, high] = node.bounds();
  return {op::QAvgPool2d{op.window, node.input_zero_point(0), low, high}, node.node.inputs};
}

void emit(const op::AvgPool2d& op, const QuantizedNode& node, Program& program) {
  const WindowGeometry g = geometry(op.name, op.window, node.input(0).meta.shape);
  const auto [low, high] = node.bounds();
  program.call(
      "pool.h", "average_pool",
      {output_place(program, node), input_place(program, node), window_structure(program, g), low,
       high, op.window.count_include_pad ? 1 : 0, node.input_zero_point(0)});
}

}  // namespace tuco::deploy
