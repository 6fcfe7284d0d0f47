// Convolution in float32 and its gradients, with each instruction set of the machine: the layers of
// the reference networks. TUCO_NUM_THREADS sets the threads.
#include "tuco/devices/cpu/conv2d_kernels.h"

#include "tuco/bench/kernel_bench.h"

namespace tuco::cpu {
namespace {

struct Layer {
  const char* name;
  int64_t batch, size, in, out, kernel, stride = 1, groups = 1;

  WindowGeometry geometry() const {
    const int64_t padding = kernel / 2, result = (size + 2 * padding - kernel) / stride + 1;
    return {batch, size, size, in, result, result, out, kernel, stride, 1, padding, groups};
  }
  double products() const {
    const WindowGeometry g = geometry();
    return double(batch) * g.out_h * g.out_w * out * kernel * kernel * (in / groups);
  }
};

constexpr Layer kLayers[] = {
    {"3-32@128", 32, 128, 3, 32, 3},
    {"32-64@64", 32, 64, 32, 64, 3},
    {"64-128@32", 32, 32, 64, 128, 3},
    {"128-128@16", 32, 16, 128, 128, 3},
    {"64-64@32", 32, 32, 64, 64, 3},
    {"256-256@8", 32, 8, 256, 256, 3},
    {"512-512@4", 16, 4, 512, 512, 3},
    {"16-16@32", 128, 32, 16, 16, 3},
    {"24-48@48", 32, 48, 24, 48, 3},
    {"64-128@32/stride2", 32, 32, 64, 128, 3, 2},
    {"1x1:64-128@24", 32, 24, 64, 128, 1},
    {"1x1:64-128@32/stride2", 32, 32, 64, 128, 1, 2},
    {"depthwise:64@24", 32, 24, 64, 64, 3, 1, 64},
};

void register_all() {
  for (const Isa isa : supported_isas())
    for (const Layer& layer : kLayers) {
      const WindowGeometry g = layer.geometry();
      const auto operands = [=](benchmark::State& state, auto&& body) {
        auto x = normal_values(g.batch * g.in_h * g.in_w * g.in_c);
        auto w = normal_values(g.out_c * g.kernel.h * g.kernel.w * g.in_c / g.groups);
        auto y = normal_values(g.batch * g.out_h * g.out_w * g.out_c);
        for (auto _ : state) {
          body(x.data(), w.data(), y.data());
          benchmark::ClobberMemory();
        }
        report_products(state, layer.products());
      };
      const std::string name = layer.name;
      register_for(isa, name + "/forward", [=](benchmark::State& state) {
        operands(state,
                 [&](float* x, float* w, float* y) { conv2d_forward<float>(g, x, w, {}, y); });
      });
      register_for(isa, name + "/grad_input", [=](benchmark::State& state) {
        operands(state,
                 [&](float* x, float* w, float* y) { conv2d_grad_input<float>(g, y, w, x); });
      });
      register_for(isa, name + "/grad_weight", [=](benchmark::State& state) {
        operands(state,
                 [&](float* x, float* w, float* y) { conv2d_grad_weight<float>(g, x, y, w); });
      });
    }
}

}  // namespace
}  // namespace tuco::cpu

int main(int argc, char** argv) {
  tuco::cpu::register_all();
  return tuco::cpu::run_benchmarks(argc, argv);
}
