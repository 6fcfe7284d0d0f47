// Loops that do nothing but one thing, on as many independent vectors as hide its latency.
#define HWY_WANT_AVX3_DL
#include "tuco/devices/cpu/machine_peak.h"

#include <chrono>

#include "tuco/core/parallel.h"
#include "tuco/core/tensor.h"
#include "tuco/devices/cpu/highway_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tuco/devices/cpu/machine_peak.cpp"
#include <hwy/foreach_target.h>

#include "tuco/devices/cpu/int8-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tuco::cpu::HWY_NAMESPACE {
namespace {

constexpr int kChains = HWY_CAP_GE512 ? 12 : 8;  // as registers allow

/// The vector, as one that the compiler knows nothing of: no product is computed once for all.
template <class V>
HWY_INLINE V unknown(V v) {
#if HWY_CAP_GE512
  asm volatile("" : "+v"(v.raw));
#elif TUCO_X86_VECTORS
  asm volatile("" : "+x"(v.raw));
#else
  asm volatile("" : : "r"(&v) : "memory");
#endif
  return v;
}

/// Multiplies and adds; `out` takes a vector, so that nothing is left out. Returns the operations.
double multiply_add(int64_t rounds, float* out) {
  VecF chains[kChains];
  TUCO_UNROLL
  for (int i = 0; i < kChains; ++i) chains[i] = splat(static_cast<float>(i));
  VecF factor = splat(out[0]);
  const VecF step = splat(out[1]);
  for (int64_t r = 0; r < rounds; ++r) {
    factor = unknown(factor);
    TUCO_UNROLL
    for (int i = 0; i < kChains; ++i) chains[i] = hn::MulAdd(chains[i], factor, step);
  }
  VecF sum = zero();
  TUCO_UNROLL
  for (int i = 0; i < kChains; ++i) sum = sum + chains[i];
  store(sum, out);
  return static_cast<double>(rounds * kChains * kLanes * 2);
}

double dot_products(int64_t rounds, int32_t* out) {
  VecI chains[kChains];
  TUCO_UNROLL
  for (int i = 0; i < kChains; ++i) chains[i] = splat_integer(i);
  VecI elements = splat_integer(out[0]);
  const VecI weights = splat_integer(out[1]);
  for (int64_t r = 0; r < rounds; ++r) {
    TUCO_UNROLL
    for (int i = 0; i < kChains; ++i) {
      elements = unknown(elements);
      chains[i] = dot(chains[i], elements, weights);
    }
  }
  VecI sum = hn::Zero(I32());
  TUCO_UNROLL
  for (int i = 0; i < kChains; ++i) sum = sum + chains[i];
  hn::StoreU(sum, I32(), out);
  return static_cast<double>(rounds * kChains * kLanes * kGroup * 2);
}

constexpr int64_t kUnroll = 4;

float read_all(const float* x, int64_t count) {
  VecF sums[kUnroll];
  for (VecF& sum : sums) sum = zero();
  for (int64_t i = 0; i + kUnroll * kLanes <= count; i += kUnroll * kLanes) {
    TUCO_UNROLL
    for (int64_t k = 0; k < kUnroll; ++k) sums[k] = sums[k] + load(x + i + k * kLanes);
  }
  for (int64_t k = 1; k < kUnroll; ++k) sums[0] = sums[0] + sums[k];
  return hn::GetLane(sums[0]);
}

/// y = factor * x; in place where y is x.
void scale_all(const float* x, float factor, float* y, int64_t count) {
  for (int64_t i = 0; i + kUnroll * kLanes <= count; i += kUnroll * kLanes) {
    TUCO_UNROLL
    for (int64_t k = 0; k < kUnroll; ++k)
      store(load(x + i + k * kLanes) * splat(factor), y + i + k * kLanes);
  }
}

}  // namespace
}  // namespace tuco::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tuco::cpu {

HWY_EXPORT(multiply_add);
HWY_EXPORT(dot_products);
HWY_EXPORT(read_all);
HWY_EXPORT(scale_all);

namespace {

constexpr int64_t kMaxLanes = 64;

/// Runs with an instruction set and a number of threads.
class Setting {
 public:
  Setting(Isa isa, int threads) : isa_(active_isa()), threads_(num_threads()) {
    set_isa(isa);
    set_num_threads(threads);
  }
  ~Setting() {
    set_isa(isa_);
    set_num_threads(threads_);
  }
  Setting(const Setting&) = delete;
  Setting& operator=(const Setting&) = delete;

 private:
  Isa isa_;
  int threads_;
};

/// The best rate of work(), what it returns a second, over `seconds` and several calls, however
/// long other programs make these.
template <class Work>
double best_rate(double seconds, Work&& work) {
  using Clock = std::chrono::steady_clock;
  double best = 0;
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  for (int calls = 0; calls < 5 || Clock::now() < end; ++calls) {
    const auto start = Clock::now();
    const double amount = work();
    best = std::max(best, amount / std::chrono::duration<double>(Clock::now() - start).count());
  }
  return best;
}

/// Calls kernel(rounds, buffer of T) on each thread; returns the sum of what they return.
template <class T, class Kernel>
double on_all_threads(int threads, const Kernel& kernel) {
  constexpr int64_t kRounds = 1 << 16;
  std::vector<double> amounts(threads);
  parallel_for(0, threads, 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      std::array<T, kMaxLanes> buffer;
      buffer.fill(T{0});
      amounts[t] = kernel(kRounds, buffer.data());
    }
  });
  double sum = 0;
  for (const double amount : amounts) sum += amount;
  return sum;
}

}  // namespace

ArithmeticPeak measure_arithmetic(Isa isa, int threads, double seconds) {
  const Setting setting(isa, threads);
  const auto floating = TUCO_DISPATCH(multiply_add);
  const auto integer = TUCO_DISPATCH(dot_products);
  return {best_rate(seconds / 2, [&] { return on_all_threads<float>(threads, floating); }),
          best_rate(seconds / 2, [&] { return on_all_threads<int32_t>(threads, integer); })};
}

Bandwidth measure_bandwidth(int threads, double seconds) {
  const Setting setting(supported_isas().back(), threads);
  constexpr int64_t kCount = int64_t{1} << 25;  // 128 MiB
  const Tensor from = zeros({kCount}), to = zeros({kCount});
  const auto read = TUCO_DISPATCH(read_all);
  const auto scale = TUCO_DISPATCH(scale_all);
  float* x = static_cast<float*>(from.raw());
  float* y = static_cast<float*>(to.raw());
  const auto rate = [&](double bytes, const auto& body) {
    return best_rate(seconds / 3, [&] {
      parallel_for(0, kCount, kCount / threads, body);
      return bytes;
    });
  };
  constexpr double kBytes = 4.0 * kCount;
  std::atomic<float> sink = 0;
  return {rate(kBytes, [&](int64_t i, int64_t end) { sink = sink + read(x + i, end - i); }),
          rate(2 * kBytes, [&](int64_t i, int64_t end) { scale(x + i, 1, y + i, end - i); }),
          rate(2 * kBytes, [&](int64_t i, int64_t end) { scale(x + i, 1, x + i, end - i); })};
}

}  // namespace tuco::cpu
#endif
