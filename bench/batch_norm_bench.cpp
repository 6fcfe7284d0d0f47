// Batch norm + ReLU + 2x2 max pooling as one, in float32, forward (with statistics) and backward in
// place, and plain max pooling: GB/s of what must at least be read and written.
#include "tuco/devices/cpu/batch_norm_kernels.h"

#include "tuco/bench/kernel_bench.h"
#include "tuco/devices/cpu/pool_kernels.h"

namespace tuco::cpu {
namespace {

void register_all() {
  const std::pair<int64_t, int64_t> maps[] = {{128, 32}, {64, 64}, {32, 128}, {16, 128}};
  for (const Isa isa : supported_isas())
    for (const auto& map : maps) {
      const int64_t size = map.first, channels = map.second, rows = 32 * size * size;
      const WindowGeometry g{32, size, size, channels, size / 2, size / 2, channels, 2, 2};
      const double bytes = 4.0 * double(rows * channels);
      const std::string name = fmt::format("{}x{}x{}", size, size, channels);
      const auto with_data = [=](benchmark::State& state, auto&& body) {
        auto x = normal_values(rows * channels), y = normal_values(rows * channels / 4), dy = y;
        auto gamma = normal_values(channels), beta = gamma, mean = gamma, inv_std = gamma;
        std::vector<uint8_t> winner(y.size());
        const Normalization<float> norm{mean.data(), inv_std.data(), gamma.data(), beta.data()};
        channel_statistics(rows, channels, x.data(), mean.data(), inv_std.data());
        bn_relu_pool_forward(g, norm, x.data(), y.data(), winner.data());
        for (auto _ : state) {
          body(norm, x.data(), y.data(), winner.data(), dy.data(), mean.data(), inv_std.data());
          benchmark::ClobberMemory();
        }
      };
      register_for(isa, name + "/statistics", [=](benchmark::State& state) {
        with_data(state, [&](auto&, float* x, float*, uint8_t*, float*, float* a, float* b) {
          channel_statistics(rows, channels, x, a, b);
        });
        report_bytes(state, bytes);
      });
      register_for(isa, name + "/bn_relu_pool_forward", [=](benchmark::State& state) {
        with_data(state, [&](auto& norm, float* x, float* y, uint8_t* w, float*, float*, float*) {
          bn_relu_pool_forward(g, norm, x, y, w);
        });
        report_bytes(state, bytes * 1.3125);
      });
      register_for(isa, name + "/bn_relu_pool_backward", [=](benchmark::State& state) {
        with_data(state, [&](auto& norm, float* x, float* y, uint8_t* w, float* dy, float* a,
                             float* b) { bn_relu_pool_backward(g, norm, x, y, w, dy, x, a, b); });
        report_bytes(state, bytes * 2.875);
      });
      register_for(isa, name + "/max_pool_forward", [=](benchmark::State& state) {
        std::vector<int32_t> winner(rows * channels / 4);
        with_data(state, [&](auto&, float* x, float* y, uint8_t*, float*, float*, float*) {
          max_pool_forward(g, x, y, winner.data());
        });
        report_bytes(state, bytes * 1.5);
      });
      register_for(isa, name + "/max_pool_backward", [=](benchmark::State& state) {
        std::vector<int32_t> winner(rows * channels / 4);
        with_data(state, [&](auto&, float* x, float*, uint8_t*, float* dy, float*, float*) {
          max_pool_backward(g, dy, winner.data(), x);
        });
        report_bytes(state, bytes * 1.5);
      });
    }
}

}  // namespace
}  // namespace tuco::cpu

int main(int argc, char** argv) {
  tuco::cpu::register_all();
  return tuco::cpu::run_benchmarks(argc, argv);
}
