// The instruction sets that the fast kernels are compiled for, and which of them runs. The best one
// that the machine has is taken; the environment variable TUCO_ISA (baseline, avx2, avx512,
// avx512_vnni) names a lower one. The baseline of AArch64 is NEON, and called "neon". float32
// results differ in the last bits from one to another, but for avx512 and avx512_vnni, which have
// the same float32 kernels; int8 results are always the same. avx512_vnni is what Ice Lake and Zen
// 4 brought: AVX-512 with the dot product of bytes.
#pragma once
#include <string_view>
#include <vector>

namespace tuco::cpu {

enum class Isa { baseline, avx2, avx512, avx512_vnni };

/// "baseline" ("neon" on AArch64), "avx2", "avx512" or "avx512_vnni".
std::string_view isa_name(Isa isa);
/// Those that this machine runs, worst first.
std::vector<Isa> supported_isas();
/// Those with float32 kernels of their own.
std::vector<Isa> supported_float_isas();
/// The one in use. The first call reads TUCO_ISA, and throws DeviceError if that names none or one
/// that the machine lacks.
Isa active_isa();
/// Changes the one in use, for tests and benchmarks; no kernel may be running, and what was packed
/// before (PackedMatrix) must not be used after. Throws DeviceError if the machine lacks it.
void set_isa(Isa isa);

}  // namespace tuco::cpu
