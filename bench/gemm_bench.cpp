// The float32 product, with each instruction set of the machine: sizes as convolutions and linear
// layers make them. TUCO_NUM_THREADS sets the threads.
#include "tuco/devices/cpu/gemm.h"

#include "tuco/bench/kernel_bench.h"

namespace tuco::cpu {
namespace {

void product(benchmark::State& state, int64_t m, int64_t n, int64_t k, bool packed) {
  const auto a = normal_values(m * k), b = normal_values(k * n);
  Values c(m * n);
  const PackedMatrix matrix(true, k, n, b.data(), k);
  for (auto _ : state) {
    if (packed)
      gemm(m, a.data(), k, matrix, c.data(), n);
    else
      gemm<float>(false, true, m, n, k, 1, a.data(), k, b.data(), k, 0, c.data(), n);
    benchmark::ClobberMemory();
  }
  report_products(state, double(m) * n * k);
}

void register_all() {
  const int64_t sizes[][3] = {{256, 256, 256},   {1024, 1024, 1024}, {131072, 64, 288},
                              {8192, 128, 1152}, {18432, 128, 64},   {1, 256, 1024},
                              {32, 10, 128}};
  for (const Isa isa : supported_isas())
    for (const auto& [m, n, k] : sizes)
      for (const bool packed : {false, true})
        register_for(
            isa, fmt::format("{}x{}x{}{}", m, n, k, packed ? "/packed" : ""),
            [=, m = m, n = n, k = k](benchmark::State& state) { product(state, m, n, k, packed); });
}

}  // namespace
}  // namespace tuco::cpu

int main(int argc, char** argv) {
  tuco::cpu::register_all();
  return tuco::cpu::run_benchmarks(argc, argv);
}
