// Convolution in float32 and its gradients, with each instruction set of the machine and each
// algorithm that is able: every layer of the reference networks, at their batch in training and, for
// inference, at batch 1 with prepared weights. TUCO_NUM_THREADS sets the threads.
#include <algorithm>

#include "tuco/bench/kernel_bench.h"
#include "tuco/devices/cpu/algorithms.h"
#include "tuco/devices/cpu/conv2d_kernels.h"

namespace tuco::cpu {
namespace {

struct Layer {
  const char* network;
  int64_t batch, size, in, out, kernel, stride = 1, groups = 1;

  WindowGeometry geometry(int64_t n) const {
    const int64_t padding = kernel / 2, result = (size + 2 * padding - kernel) / stride + 1;
    return {n, size, size, in, result, result, out, kernel, stride, 1, padding, groups};
  }
  std::string name() const {
    return fmt::format("{}/{}x{}{}_{}-{}@{}{}", network, kernel, kernel, groups > 1 ? "dw" : "", in,
                       out, size, stride > 1 ? "_stride2" : "");
  }
};

double products(const WindowGeometry& g) {
  return double(g.batch) * g.out_h * g.out_w * g.out_c * g.kernel.h * g.kernel.w *
         (g.in_c / g.groups);
}

// Each shape once, with the first network that has it.
constexpr Layer kLayers[] = {
    {"catdog", 32, 128, 3, 32, 3},
    {"catdog", 32, 64, 32, 64, 3},
    {"catdog", 32, 32, 64, 128, 3},
    {"catdog", 32, 16, 128, 128, 3},
    {"resnet8", 128, 32, 3, 16, 3},
    {"resnet8", 128, 32, 16, 16, 3},
    {"resnet8", 128, 32, 16, 32, 3, 2},
    {"resnet8", 128, 16, 32, 32, 3},
    {"resnet8", 128, 32, 16, 32, 1, 2},
    {"resnet8", 128, 16, 32, 64, 3, 2},
    {"resnet8", 128, 8, 64, 64, 3},
    {"resnet8", 128, 16, 32, 64, 1, 2},
    {"resnet18", 16, 128, 3, 64, 7, 2},
    {"resnet18", 16, 32, 64, 64, 3},
    {"resnet18", 16, 32, 64, 128, 3, 2},
    {"resnet18", 16, 16, 128, 128, 3},
    {"resnet18", 16, 32, 64, 128, 1, 2},
    {"resnet18", 16, 16, 128, 256, 3, 2},
    {"resnet18", 16, 8, 256, 256, 3},
    {"resnet18", 16, 16, 128, 256, 1, 2},
    {"resnet18", 16, 8, 256, 512, 3, 2},
    {"resnet18", 16, 4, 512, 512, 3},
    {"resnet18", 16, 8, 256, 512, 1, 2},
    {"mobilenet", 32, 96, 3, 8, 3, 2},
    {"mobilenet", 32, 48, 8, 8, 3, 1, 8},
    {"mobilenet", 32, 48, 8, 16, 1},
    {"mobilenet", 32, 48, 16, 16, 3, 2, 16},
    {"mobilenet", 32, 24, 16, 32, 1},
    {"mobilenet", 32, 24, 32, 32, 3, 1, 32},
    {"mobilenet", 32, 24, 32, 32, 1},
    {"mobilenet", 32, 24, 32, 32, 3, 2, 32},
    {"mobilenet", 32, 12, 32, 64, 1},
    {"mobilenet", 32, 12, 64, 64, 3, 1, 64},
    {"mobilenet", 32, 12, 64, 64, 1},
    {"mobilenet", 32, 12, 64, 64, 3, 2, 64},
    {"mobilenet", 32, 6, 64, 128, 1},
    {"mobilenet", 32, 6, 128, 128, 3, 1, 128},
    {"mobilenet", 32, 6, 128, 128, 1},
    {"mobilenet", 32, 6, 128, 128, 3, 2, 128},
    {"mobilenet", 32, 3, 128, 256, 1},
    {"mobilenet", 32, 3, 256, 256, 3, 1, 256},
    {"mobilenet", 32, 3, 256, 256, 1},
};

// body(x, w, y, bias) on buffers of the geometry's sizes.
template <class Body>
void measure(benchmark::State& state, const WindowGeometry& g, Algorithm algorithm, Body&& body) {
  auto x = normal_values(g.batch * g.in_h * g.in_w * g.in_c);
  auto w = normal_values(g.out_c * g.kernel.h * g.kernel.w * g.in_c / g.groups);
  auto y = normal_values(g.batch * g.out_h * g.out_w * g.out_c);
  const auto bias = normal_values(g.out_c);
  force_algorithm(algorithm);
  for (auto _ : state) {
    body(x.data(), w.data(), y.data(), bias.data());
    benchmark::ClobberMemory();
  }
  force_algorithm(std::nullopt);
  report_products(state, products(g));
  report_bytes(state, 4.0 * (x.size() + w.size() + y.size()));
}

void register_layer(Isa isa, const Layer& layer, Algorithm algorithm) {
  const std::string name = layer.name() + "/";
  const std::string tail = "/" + std::string(algorithm_name(algorithm));
  const WindowGeometry g = layer.geometry(layer.batch), one = layer.geometry(1);
  register_for(isa, name + "forward" + tail, [=](benchmark::State& state) {
    measure(state, g, algorithm, [&](float* x, float* w, float* y, const float*) {
      conv2d_forward<float>(g, x, w, {}, y);
    });
  });
  if (layer.in > 3)
    register_for(isa, name + "grad_input" + tail, [=](benchmark::State& state) {
      measure(state, g, algorithm,
              [&](float* x, float* w, float* y, auto) { conv2d_grad_input<float>(g, y, w, x); });
    });
  register_for(isa, name + "grad_weight" + tail, [=](benchmark::State& state) {
    measure(state, g, algorithm,
            [&](float* x, float* w, float* y, auto) { conv2d_grad_weight<float>(g, x, y, w); });
  });
  register_for(isa, name + "infer1" + tail, [=](benchmark::State& state) {
    const PackedForms forms;
    measure(state, one, algorithm, [&](float* x, float* w, float* y, const float* bias) {
      conv2d_forward<float>(one, x, w, {.bias = bias, .low = 0}, y, &forms);
    });
  });
}

void register_all() {
  auto isas = supported_isas();
  std::reverse(isas.begin(), isas.end());
  for (const Isa isa : isas)
    for (const Layer& layer : kLayers)
      for (const Algorithm a : {Algorithm::direct, Algorithm::winograd2, Algorithm::winograd4})
        if (is_able(a, layer.geometry(1))) register_layer(isa, layer, a);
}

}  // namespace
}  // namespace tuco::cpu

int main(int argc, char** argv) {
  tuco::cpu::register_all();
  return tuco::cpu::run_benchmarks(argc, argv);
}
