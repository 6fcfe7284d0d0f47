// Networks for the tests of deploy: a fixed one with every kind of layer on the road, and random
// ones. Their weights are random; nothing here is trained.
#pragma once
#include <functional>
#include <vector>

#include "tuco/autograd/functions.h"
#include "tuco/core/rng.h"
#include "tuco/core/safetensors.h"

namespace tuco::test {

/// A function of one tensor with the constants that it uses.
struct Network {
  std::function<Tensor(const Tensor&)> forward;
  NamedTensors constants;
  Shape input;  // of one image
};

/// Makes constants with names and keeps them.
class Builder {
 public:
  explicit Builder(uint64_t seed) : rng_(seed) {}

  Tensor constant(const std::string& name, const Shape& shape, double scale, double shift = 0) {
    Tensor tensor = randn(shape, rng_) * scale + shift;
    constants_.emplace_back(name, tensor);
    return tensor;
  }
  /// Convolution with a bias, of weights that keep the variance about the same.
  std::function<Tensor(const Tensor&)> conv(const std::string& name, int64_t in, int64_t out,
                                            Hw kernel, const op::Conv2d& options) {
    const int64_t depth = in / options.groups;
    const Tensor w = constant(name + ".weight", {out, kernel.h, kernel.w, depth},
                              std::sqrt(2.0 / static_cast<double>(depth * kernel.h * kernel.w)));
    const Tensor b = constant(name + ".bias", {out}, 0.1);
    return [=](const Tensor& x) { return conv2d(x, w, b, options); };
  }
  std::function<Tensor(const Tensor&)> norm(const std::string& name, int64_t channels) {
    const Tensor gamma = constant(name + ".weight", {channels}, 0.2, 1),
                 beta = constant(name + ".bias", {channels}, 0.2),
                 mean = constant(name + ".running_mean", {channels}, 0.2),
                 variance = abs(constant(name + ".deviation", {channels}, 0.3, 1)) + 0.1;
    constants_.back() = {name + ".running_var", variance};
    return [=](const Tensor& x) { return batch_norm(x, gamma, beta, mean, variance); };
  }
  std::function<Tensor(const Tensor&)> dense(const std::string& name, int64_t in, int64_t out) {
    const Tensor w =
        constant(name + ".weight", {out, in}, std::sqrt(1.0 / static_cast<double>(in)));
    const Tensor b = constant(name + ".bias", {out}, 0.1);
    return [=](const Tensor& x) { return linear(x, w, b); };
  }
  Network finish(std::function<Tensor(const Tensor&)> forward, const Shape& input) {
    return {std::move(forward), std::move(constants_), input};
  }
  Rng& rng() { return rng_; }

 private:
  Rng rng_;
  NamedTensors constants_;
};

/// Convolution, norm, ReLU, pooling, a residual pair, depthwise, concat, padding, global pooling
/// and a linear layer on 12 x 12 x 3 images; 3 classes.
inline Network small_network() {
  Builder b(1);
  const auto stem = b.conv("stem", 3, 8, 3, {.padding = 1});
  const auto stem_norm = b.norm("stem_norm", 8);
  const auto block1 = b.conv("block1", 8, 8, 3, {.padding = 1});
  const auto block1_norm = b.norm("block1_norm", 8);
  const auto block2 = b.conv("block2", 8, 8, 3, {.padding = 1});
  const auto deep = b.conv("deep", 8, 8, 3, {.stride = 2, .padding = {0, 1, 0, 1}, .groups = 8});
  const auto side = b.conv("side", 8, 4, 1, {.stride = 2});
  const auto lone_norm = b.norm("lone_norm", 12);
  const auto head = b.dense("head", 12, 3);
  return b.finish(
      [=](const Tensor& x) {
        Tensor y = max_pool2d(relu(stem_norm(stem(x))), {.kernel = 2, .stride = 2});
        y = relu(y + block2(relu(block1_norm(block1(y)))));
        y = concat({relu6(deep(y)), side(y)}, 3);
        y = lone_norm(avg_pool2d(pad(y, {0, 1, 0, 0}, {0, 0, 1, 0}), {.kernel = 2, .stride = 1}));
        return head(flatten(global_max_pool2d(y)));
      },
      {12, 12, 3});
}

/// Channels and maps as large as fast kernels ask for before they differ from those for small ones
/// (Winograd, full tiles, strips of several rows), on 19 x 18 x 3 images; 40 outputs.
inline Network wide_network() {
  Builder b(2);
  const auto stem = b.conv("stem", 3, 24, 5, {.padding = 2});
  const auto block1 = b.conv("block1", 24, 24, 3, {.padding = 1});
  const auto block2 = b.conv("block2", 24, 24, 3, {.padding = 1});
  const auto deep = b.conv("deep", 24, 24, 3, {.stride = 2, .padding = 1, .groups = 24});
  const auto wide = b.conv("wide", 24, 72, 1, {});
  const auto last = b.conv("last", 72, 40, 3, {.padding = 1});
  const auto head = b.dense("head", 5 * 5 * 40, 40);
  return b.finish(
      [=](const Tensor& x) {
        const Tensor y = relu(stem(x));
        const Tensor z = relu6(wide(relu(deep(relu(y + block2(relu(block1(y))))))));
        return head(flatten(max_pool2d(last(z), {.kernel = 3, .stride = 2, .padding = 1})));
      },
      {19, 18, 3});
}

/// A chain of random layers with odd sizes, strides, paddings and groups.
inline Network random_network(uint64_t seed) {
  Builder b(seed);
  Rng& rng = b.rng();
  const Shape input{4 + rng.below(9), 4 + rng.below(9), 1 + rng.below(5)};
  int64_t h = input[0], w = input[1], c = input[2];
  std::vector<std::function<Tensor(const Tensor&)>> layers;
  const int depth = 2 + static_cast<int>(rng.below(5));
  for (int i = 0; i < depth; ++i) {
    const std::string name = fmt::format("layer{}", i);
    const auto padding = [&](int64_t limit) {
      const auto side = [&] { return static_cast<int64_t>(rng.below(limit)); };
      const int64_t t = side(), bottom = side(), l = side(), r = side();
      return Padding(t, bottom, l, r);
    };
    switch (rng.below(6)) {
      case 0:
      case 1: {
        const Hw kernel(1 + rng.below(3), 1 + rng.below(3));
        const bool depthwise = rng.below(3) == 0;
        op::Conv2d options{.stride = {1 + rng.below(2), 1 + rng.below(2)}, .padding = padding(3)};
        int64_t out = 1 + rng.below(9);
        if (depthwise) {
          options.groups = c;
          out = c * (1 + rng.below(2));
        }
        const int64_t room_h = h + options.padding.top + options.padding.bottom - kernel.h,
                      room_w = w + options.padding.left + options.padding.right - kernel.w;
        if (room_h < 0 || room_w < 0) continue;
        const auto conv = b.conv(name, c, out, kernel, options);
        const uint32_t activation = rng.below(4);
        layers.push_back([=](const Tensor& x) {
          const Tensor y = conv(x);
          return activation == 0   ? y
                 : activation == 1 ? relu(y)
                 : activation == 2 ? relu6(y)
                                   : tanh(y);
        });
        h = room_h / options.stride.h + 1;
        w = room_w / options.stride.w + 1;
        c = out;
        break;
      }
      case 2:
      case 3: {
        const int64_t kernel = 1 + rng.below(3), stride = 1 + rng.below(2);
        if (h < kernel || w < kernel) continue;
        const op::PoolWindow window{.kernel = kernel,
                                    .stride = stride,
                                    .padding = kernel > 1 ? padding(2) : Padding(0),
                                    .ceil_mode = rng.below(2) == 1,
                                    .count_include_pad = rng.below(2) == 1};
        const WindowGeometry g = geometry("pool", window, {1, h, w, c});
        const bool average = rng.below(2) == 1;
        layers.push_back([=](const Tensor& x) {
          return average ? avg_pool2d(x, window) : max_pool2d(x, window);
        });
        h = g.out_h;
        w = g.out_w;
        break;
      }
      case 4: {
        const auto conv = b.conv(name, c, c, 3, {.padding = 1});
        layers.push_back([=](const Tensor& x) { return relu(x + conv(x)); });
        break;
      }
      default: {
        const auto conv = b.conv(name, c, 3, 1, {});
        layers.push_back([=](const Tensor& x) {
          const Tensor y = conv(x);
          return concat({x, y, relu(y)}, 3);
        });
        c += 6;
        break;
      }
    }
  }
  const uint32_t end = rng.below(3);
  const int64_t features = end == 0 ? h * w * c : c;
  const auto head = b.dense("head", features, 2 + rng.below(9));
  return b.finish(
      [=](const Tensor& x) {
        Tensor y = x;
        for (const auto& layer : layers) y = layer(y);
        y = end == 0 ? flatten(y) : end == 1 ? mean(y, {1, 2}) : flatten(global_avg_pool2d(y));
        y = head(y);
        return end == 2 ? softmax(y) : y;
      },
      input);
}

/// `count` random inputs for a network.
inline Tensor random_images(const Network& network, int64_t count, uint64_t seed) {
  Shape shape{count};
  for (const int64_t size : network.input) shape.push_back(size);
  Rng rng(seed);
  return randn(shape, rng);
}

}  // namespace tuco::test
