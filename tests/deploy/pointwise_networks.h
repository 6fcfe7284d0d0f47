// Networks of the ops that networks.h has few of: two operands, moves, functions of each number.
#pragma once
#include "tests/deploy/networks.h"

namespace tuco::test {

/// A chain of point-wise ops on operands that broadcast, constant or not, and of moves.
inline Network random_pointwise_network(uint64_t seed) {
  Builder b(seed);
  Rng& rng = b.rng();
  const Shape input{2 + rng.below(5), 2 + rng.below(5), 1 + rng.below(5)};
  Shape size = input;
  std::vector<std::function<Tensor(const Tensor&)>> layers;
  const int depth = 3 + static_cast<int>(rng.below(6));
  for (int i = 0; i < depth; ++i) {
    // A constant that broadcasts in some dimensions, with a batch of 1 or without those in front.
    const auto operand = [&] {
      Shape shape;
      const int first = static_cast<int>(rng.below(4));
      if (first == 0) shape.push_back(1);
      for (int d = std::max(first - 1, 0); d < 3; ++d)
        shape.push_back(rng.below(2) ? size[d] : 1);
      return b.constant(fmt::format("operand{}", i), shape, 1, 0.3);
    };
    switch (rng.below(11)) {
      case 0:
      case 1: {
        const Tensor c = operand();
        const uint32_t kind = rng.below(6), activation = rng.below(3);
        layers.push_back([=](const Tensor& x) {
          const Tensor y = kind == 0   ? x + c
                           : kind == 1 ? x - c
                           : kind == 2 ? c - x
                           : kind == 3 ? c * x
                           : kind == 4 ? maximum(x, c)
                                       : minimum(c, x);
          return activation == 0 ? relu(y) : activation == 1 ? relu6(y) : y;
        });
        break;
      }
      case 2: {  // operands that both come from the input
        const uint32_t kind = rng.below(6);
        layers.push_back([=](const Tensor& x) {
          const Tensor y = mean(x, {1, 2}, true);
          return kind == 0   ? x * sigmoid(y)
                 : kind == 1 ? relu(x - y)
                 : kind == 2 ? y + x
                 : kind == 3 ? maximum(x, leaky_relu(y, 0.5))
                 : kind == 4 ? minimum(tanh(x), y)
                             : x * x;
        });
        break;
      }
      case 3: {
        const int d = static_cast<int>(rng.below(3));
        const int64_t step = 1 + rng.below(3), start = rng.below(static_cast<uint32_t>(size[d]));
        const int64_t stop =
            start + 1 + rng.below(static_cast<uint32_t>(size[d] - start));
        layers.push_back([=](const Tensor& x) { return slice(x, d + 1, start, stop, step); });
        size[d] = (stop - start + step - 1) / step;
        break;
      }
      case 4: {
        const std::vector<Dims> orders = {{0, 2, 1, 3}, {0, 3, 1, 2}, {0, 2, 3, 1}, {0, 3, 2, 1}};
        const Dims order = orders[rng.below(4)];
        layers.push_back([=](const Tensor& x) { return permute(x, order); });
        size = {size[order[1] - 1], size[order[2] - 1], size[order[3] - 1]};
        break;
      }
      case 5: {
        const op::ResizeNearest options{.size = {1 + rng.below(9), 1 + rng.below(9)},
                                        .align_corners = rng.below(2) == 1,
                                        .half_pixel_centers = rng.below(2) == 1};
        layers.push_back([=](const Tensor& x) { return resize_nearest(x, options); });
        size = {options.size.h, options.size.w, size[2]};
        break;
      }
      case 6: {
        if (size[2] == 1) continue;
        layers.push_back([](const Tensor& x) {
          const auto parts = split(x, {1, x.dim(3) - 1}, 3);
          return concat({parts[1], hard_swish(parts[0]), parts[0]}, 3);
        });
        size[2] += 1;
        break;
      }
      case 7: {
        const double value = static_cast<double>(rng.below(5)) - 2;
        layers.push_back(
            [=](const Tensor& x) { return pad(x, {0, 1, 0, 1}, {0, 0, 2, 0}, value); });
        size = {size[0] + 1, size[1] + 2, size[2] + 1};
        break;
      }
      case 8:
      case 9: {  // functions that are tables, slopes, and sums
        const Tensor slopes = operand();
        const uint32_t kind = rng.below(10);
        const double factor = 0.25 * (static_cast<double>(rng.below(13)) - 6);
        layers.push_back([=](const Tensor& x) {
          return kind == 0   ? elu(x)
                 : kind == 1 ? abs(x)
                 : kind == 2 ? pow(x, 2)
                 : kind == 3 ? pow(abs(x) + 0.5, -0.5)
                 : kind == 4 ? sqrt(sigmoid(x))
                 : kind == 5 ? log(exp(tanh(x)) + 0.5)
                 : kind == 6 ? x - pow(sigmoid(x), 1.7) + factor * x
                 : kind == 7 ? x + sum(x, {3}, true) * 0.125
                 : kind == 8 ? x * factor - 0.75
                             : prelu(x, slopes);
        });
        break;
      }
      default: {
        const uint32_t kind = rng.below(4);
        layers.push_back([=](const Tensor& x) {
          return kind == 0   ? hard_swish(x)
                 : kind == 1 ? leaky_relu(x, 0.2)
                 : kind == 2 ? tanh(x)
                             : sigmoid(x);
        });
      }
    }
  }
  return b.finish(
      [=](const Tensor& x) {
        Tensor y = x;
        for (const auto& layer : layers) y = layer(y);
        return y;
      },
      input);
}

}  // namespace tuco::test
