// What the kernel benchmarks share: operands, and GFLOP/s beside the time.
#pragma once
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <new>
#include <vector>

#include "tuco/core/rng.h"
#include "tuco/devices/cpu/isa.h"

namespace tuco::cpu {

/// Allocates on cache lines, as tensors are.
template <class T>
struct LineAllocator {
  using value_type = T;
  LineAllocator() = default;
  template <class U>
  LineAllocator(const LineAllocator<U>&) {}  // NOLINT: as the standard's
  T* allocate(size_t count) {
    return static_cast<T*>(::operator new (count * sizeof(T), std::align_val_t{64}));
  }
  void deallocate(T* p, size_t) { ::operator delete (p, std::align_val_t{64}); }
  friend bool operator==(LineAllocator, LineAllocator) { return true; }
};
using Values = std::vector<float, LineAllocator<float>>;

inline Values normal_values(int64_t count) {
  // A thousand numbers over and over: making more takes longer than the kernels.
  Rng rng(1);
  std::vector<float> some(1009);
  for (float& v : some) v = rng.normal();
  Values values(count);
  for (size_t i = 0; i < values.size(); ++i) values[i] = some[i % some.size()];
  return values;
}

/// Reports the rate of `products` multiply-adds an iteration.
inline void report_products(benchmark::State& state, double products) {
  state.counters["GFLOP/s"] = benchmark::Counter(
      2e-9 * products * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

/// Reports the rate of `bytes` read and written an iteration.
inline void report_bytes(benchmark::State& state, double bytes) {
  state.counters["GB/s"] = benchmark::Counter(
      1e-9 * bytes * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

/// Registers `body(state)` for an instruction set.
template <class Body>
void register_for(Isa isa, const std::string& name, Body body) {
  benchmark::RegisterBenchmark(fmt::format("{}/{}", isa_name(isa), name).c_str(),
                               [=](benchmark::State& state) {
                                 set_isa(isa);
                                 body(state);
                               })
      ->UseRealTime()
      ->Unit(benchmark::kMicrosecond);
}

inline int run_benchmarks(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace tuco::cpu
