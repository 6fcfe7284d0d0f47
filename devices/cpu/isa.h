// The instruction sets that the fast float32 kernels are compiled for, and which of them runs.
// The best one that the machine has is taken; the environment variable TUCO_ISA (baseline, avx2,
// avx512) names a lower one. Results differ in the last bits from one to another.
#pragma once
#include <string_view>
#include <vector>

namespace tuco::cpu {

enum class Isa { baseline, avx2, avx512 };

/// "baseline", "avx2" or "avx512".
std::string_view isa_name(Isa isa);
/// Those that this machine runs, worst first.
std::vector<Isa> supported_isas();
/// The one in use. The first call reads TUCO_ISA, and throws DeviceError if that names none or one
/// that the machine lacks.
Isa active_isa();
/// Changes the one in use, for tests and benchmarks; no kernel may be running, and what was packed
/// before (PackedMatrix) must not be used after. Throws DeviceError if the machine lacks it.
void set_isa(Isa isa);

}  // namespace tuco::cpu
