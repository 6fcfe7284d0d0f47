// What this machine can do at most, measured: the limits that kernels are quoted as shares of.
#pragma once
#include <cstdint>

#include "tuco/devices/cpu/isa.h"

namespace tuco::cpu {

/// Arithmetic at its peak, from registers alone.
struct ArithmeticPeak {
  double flops;     // float32 multiplications and additions, a second
  double int8_ops;  // multiplications and additions of int8 into int32 sums, a second
};

/// Memory traffic of buffers far larger than the caches: bytes read and written, a second.
struct Bandwidth {
  double read, copy, in_place;
};

/// The best of several measurements on `threads` threads, which take about `seconds` together. What
/// else runs on the machine lowers it. Throws DeviceError if the machine lacks the instruction set.
ArithmeticPeak measure_arithmetic(Isa isa, int threads, double seconds = 0.3);
/// As above, with the best instruction set.
Bandwidth measure_bandwidth(int threads, double seconds = 0.6);

}  // namespace tuco::cpu
