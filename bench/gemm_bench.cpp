// The float32 product, with each instruction set of the machine: sizes as convolutions and linear
// layers make them. Run: gemm_bench --benchmark_filter=avx512 (TUCO_NUM_THREADS sets the threads).
#include "tuco/devices/cpu/gemm.h"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "tuco/core/parallel.h"
#include "tuco/core/rng.h"
#include "tuco/devices/cpu/isa.h"

namespace tuco::cpu {
namespace {

std::vector<float> normal_values(int64_t count) {
  Rng rng(1);
  std::vector<float> values(count);
  for (float& v : values) v = rng.normal();
  return values;
}

void report(benchmark::State& state, double products) {
  state.counters["GFLOP/s"] = benchmark::Counter(
      2e-9 * products * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

void product(benchmark::State& state, Isa isa, int64_t m, int64_t n, int64_t k, bool packed) {
  set_isa(isa);
  const auto a = normal_values(m * k), b = normal_values(k * n);
  std::vector<float> c(m * n);
  const PackedMatrix matrix(true, k, n, b.data(), k);
  for (auto _ : state) {
    if (packed)
      gemm(m, a.data(), k, matrix, c.data(), n);
    else
      gemm<float>(false, true, m, n, k, 1, a.data(), k, b.data(), k, 0, c.data(), n);
    benchmark::ClobberMemory();
  }
  report(state, double(m) * n * k);
}

void register_all() {
  const int64_t sizes[][3] = {{256, 256, 256},   {1024, 1024, 1024}, {131072, 64, 288},
                              {8192, 128, 1152}, {18432, 128, 64},   {1, 256, 1024},
                              {32, 10, 128}};
  for (const Isa isa : supported_isas())
    for (const auto& [m, n, k] : sizes)
      for (const bool packed : {false, true})
        benchmark::RegisterBenchmark(
            fmt::format("{}/{}x{}x{}{}", isa_name(isa), m, n, k, packed ? "/packed" : "").c_str(),
            product, isa, m, n, k, packed)
            ->UseRealTime()
            ->Unit(benchmark::kMicrosecond);
}

}  // namespace
}  // namespace tuco::cpu

int main(int argc, char** argv) {
  tuco::cpu::register_all();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
