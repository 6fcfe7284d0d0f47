// Included before any header of Highway: which targets the kernels are compiled for. Few, since
// each one costs the compile time of all kernels: what the compiler's flags allow everywhere (on
// AArch64: NEON), AVX2 and AVX-512. SVE's vectors have no size that is known when compiling. A file
// that has kernels for the dot product of bytes (isa.h) defines HWY_WANT_AVX3_DL before.
#pragma once

#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_SSE4 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)

#include "tuco/devices/cpu/isa.h"

/// Calls the version of an HWY_EXPORTed function for the instruction set in use.
#define TUCO_DISPATCH(function) (::tuco::cpu::active_isa(), HWY_DYNAMIC_DISPATCH(function))
