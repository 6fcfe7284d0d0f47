#include "tuco/bench/networks.h"

#include <fmt/ranges.h>

#include <array>
#include <cmath>

#include "tuco/core/error.h"
#include "tuco/tuco.h"

namespace tuco::bench {
namespace {

struct Convolution {
  int64_t in, out;
  Hw kernel = 3, stride = 1;
  int64_t groups = 1;
};

void add_convolution(Sequential& net, const Convolution& c, bool same) {
  const ConvPadding padding =
      same ? ConvPadding(Same{})
           : ConvPadding(c.kernel.h / 2, c.kernel.h / 2, c.kernel.w / 2, c.kernel.w / 2);
  net->append(Conv2d{{.in = c.in,
                      .out = c.out,
                      .kernel = c.kernel,
                      .stride = c.stride,
                      .padding = padding,
                      .groups = c.groups,
                      .bias = false}});
  net->append(BatchNorm{c.out});
}
void add_convolution_relu(Sequential& net, const Convolution& c, bool same) {
  add_convolution(net, c, same);
  net->append(ReLU{});
}

/// Four stages of convolution, batch norm, ReLU and pooling.
Sequential catdog(const NetworkOptions& options) {
  Sequential net;
  int64_t in = 3;
  for (const int64_t channels : {32, 64, 128, 128}) {
    const auto out =
        static_cast<int64_t>(std::lround(static_cast<double>(channels) * options.width));
    for (int64_t i = 0; i < options.depth; ++i) {
      add_convolution_relu(net, {in, out}, options.tensorflow_padding);
      in = out;
    }
    net->append(MaxPool2d{2});
  }
  net->append(GlobalAvgPool{});
  net->append(Linear{{.in = in, .out = 2}});
  return net;
}

/// Two 3x3 convolutions with a way around them, which `projected` gives a batch norm of its own.
Residual residual_block(int64_t in, int64_t out, int64_t stride, bool projected_norm, bool same) {
  Sequential body;
  add_convolution_relu(body, {in, out, 3, stride}, same);
  add_convolution(body, {out, out}, same);
  if (stride == 1) return Residual{body};
  Sequential shortcut;
  if (projected_norm)
    add_convolution(shortcut, {in, out, 1, stride}, same);
  else
    shortcut->append(Conv2d{{.in = in, .out = out, .kernel = 1, .stride = stride}});
  return Residual{{.body = body, .shortcut = shortcut}};
}

/// MLPerf Tiny, image classification.
Sequential resnet8(const NetworkOptions& options) {
  const bool same = options.tensorflow_padding;
  Sequential net;
  add_convolution_relu(net, {3, 16}, same);
  net->append(residual_block(16, 16, 1, false, same));
  net->append(residual_block(16, 32, 2, false, same));
  net->append(residual_block(32, 64, 2, false, same));
  net->append(GlobalAvgPool{});
  net->append(Linear{{.in = 64, .out = 10}});
  return net;
}

/// MLPerf Tiny, visual wake words: MobileNet (Howard et al., arXiv:1704.04861), a quarter as wide.
Sequential mobilenet(const NetworkOptions& options) {
  const bool same = options.tensorflow_padding;
  Sequential net;
  add_convolution_relu(net, {3, 8, 3, 2}, same);
  int64_t in = 8;
  constexpr std::pair<int64_t, int64_t> kBlocks[] = {
      {16, 1},  {32, 2},  {32, 1},  {64, 2},  {64, 1},  {128, 2}, {128, 1},
      {128, 1}, {128, 1}, {128, 1}, {128, 1}, {256, 2}, {256, 1}};
  for (const auto& [out, stride] : kBlocks) {
    add_convolution_relu(net, {in, in, 3, stride, in}, same);
    add_convolution_relu(net, {in, out, 1}, same);
    in = out;
  }
  net->append(GlobalAvgPool{});
  net->append(Linear{{.in = in, .out = 2}});
  return net;
}

/// ResNet-18 (He et al., arXiv:1512.03385) with two classes.
Sequential resnet18(const NetworkOptions& options) {
  const bool same = options.tensorflow_padding;
  Sequential net;
  add_convolution_relu(net, {3, 64, 7, 2}, same);
  net->append(MaxPool2d{{.kernel = 3, .stride = 2, .padding = 1}});
  int64_t in = 64;
  for (const int64_t out : {64, 128, 256, 512}) {
    net->append(residual_block(in, out, in == out ? 1 : 2, true, same));
    net->append(residual_block(out, out, 1, true, same));
    in = out;
  }
  net->append(GlobalAvgPool{});
  net->append(Linear{{.in = 512, .out = 2}});
  return net;
}

/// MLPerf Tiny, keyword spotting (Zhang et al., arXiv:1711.07128).
Sequential ds_cnn(const NetworkOptions&) {
  Sequential net;
  add_convolution_relu(net, {1, 64, Hw(10, 4), 2}, true);
  for (int i = 0; i < 4; ++i) {
    add_convolution_relu(net, {64, 64, 3, 1, 64}, true);
    add_convolution_relu(net, {64, 64, 1}, true);
  }
  net->append(GlobalAvgPool{});
  net->append(Linear{{.in = 64, .out = 12}});
  return net;
}

/// MLPerf Tiny, anomaly detection.
Sequential autoencoder(const NetworkOptions&) {
  Sequential net;
  int64_t in = 640;
  for (const int64_t out : {128, 128, 128, 128, 8, 128, 128, 128, 128}) {
    net->append(Linear{{.in = in, .out = out}});
    net->append(BatchNorm{out});
    net->append(ReLU{});
    in = out;
  }
  net->append(Linear{{.in = in, .out = 640}});
  return net;
}

}  // namespace

Shape Network::batch_shape(int64_t batch_size, const NetworkOptions& options) const {
  if (input.rank() == 1) return {batch_size, input[0]};
  return options.size ? Shape{batch_size, options.size, options.size, input[2]}
                      : Shape{batch_size, input[0], input[1], input[2]};
}

std::span<const Network> networks() {
  static const std::array<Network, 6> all = {{
      {"catdog_128", {128, 128, 3}, 32, 2, catdog},
      {"resnet8_32", {32, 32, 3}, 128, 10, resnet8},
      {"mobilenet_v1_025_96", {96, 96, 3}, 32, 2, mobilenet},
      {"resnet18_128", {128, 128, 3}, 16, 2, resnet18},
      {"ds_cnn_49x10", {49, 10, 1}, 64, 12, ds_cnn},
      {"autoencoder_640", {640}, 128, 640, autoencoder},
  }};
  return all;
}

const Network& network(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Network& one : networks()) {
    if (one.name == name) return one;
    names.push_back(one.name);
  }
  fail<Error>("no network \"{}\", expected one of {}", name,
              fmt::to_string(fmt::join(names, ", ")));
}

}  // namespace tuco::bench
