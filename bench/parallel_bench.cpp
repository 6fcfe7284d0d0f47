// What parallel_for costs: an empty region right after another, one after the workers have gone to
// sleep, and a region of some work. Run it alone, and beside a busy program
// (`sh -c 'while :; do :; done'`), to see what a neighbour costs.
#include <benchmark/benchmark.h>

#include <chrono>

#include "tuco/core/parallel.h"

namespace {

using tuco::parallel_for;

/// Keeps a core busy without touching memory.
void compute(int64_t steps) {
  double x = 1;
  for (int64_t i = 0; i < steps; ++i) benchmark::DoNotOptimize(x = x * 1.0000001 + 1e-9);
}

void empty_region(benchmark::State& state) {
  for (auto _ : state)
    parallel_for(0, tuco::num_threads(), 1, [](int64_t, int64_t) { benchmark::ClobberMemory(); });
}
BENCHMARK(empty_region)->UseRealTime();

void region_after_a_pause(benchmark::State& state) {
  for (auto _ : state) {
    state.PauseTiming();
    const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(state.range(0));
    while (std::chrono::steady_clock::now() < end) {
    }
    state.ResumeTiming();
    parallel_for(0, tuco::num_threads(), 1, [](int64_t, int64_t) { compute(1000); });
  }
}
BENCHMARK(region_after_a_pause)->Arg(0)->Arg(20)->Arg(200)->UseRealTime();

void regions_of_work(benchmark::State& state) {
  for (auto _ : state)
    parallel_for(0, tuco::num_threads(), 1,
                 [&](int64_t b, int64_t e) { compute((e - b) * state.range(0)); });
}
BENCHMARK(regions_of_work)->Arg(1000)->Arg(10'000)->Arg(100'000)->Arg(1'000'000)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
