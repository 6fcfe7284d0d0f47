#include "tuco/devices/cpu/isa.h"

#include <atomic>
#include <cstdlib>

#include "tuco/core/error.h"
#include "tuco/devices/cpu/highway_targets.h"

#include <hwy/highway.h>

namespace tuco::cpu {
namespace {

#if HWY_ARCH_ARM_A64
constexpr std::string_view kBaseline = "neon";
#else
constexpr std::string_view kBaseline = "baseline";
#endif
constexpr std::string_view kNames[] = {kBaseline, "avx2", "avx512", "avx512_vnni"};

// Highway's bits of each level; the static target is among them whatever is chosen.
int64_t targets_of(Isa isa) {
  int64_t targets = HWY_STATIC_TARGET;
#if HWY_ARCH_X86
  if (isa >= Isa::avx2) targets |= HWY_AVX2;
  if (isa >= Isa::avx512) targets |= HWY_AVX3;
  if (isa >= Isa::avx512_vnni) targets |= HWY_AVX3_DL;
#else
  static_cast<void>(isa);
#endif
  return targets;
}

void choose(Isa isa) {
  hwy::SetSupportedTargetsForTest(targets_of(isa));
  hwy::GetChosenTarget().Update(targets_of(isa));
}

void check_supported(std::string_view who, Isa isa) {
  for (const Isa one : supported_isas())
    if (one == isa) return;
  fail<DeviceError>("{}: this machine does not have {}", who, isa_name(isa));
}

Isa initial_isa() {
  Isa isa = supported_isas().back();
  if (const char* text = std::getenv("TUCO_ISA"); text && *text) {
    const auto* name = std::find(std::begin(kNames), std::end(kNames), std::string_view(text));
    require<DeviceError>(name != std::end(kNames),
                         "TUCO_ISA: \"{}\", expected {}, avx2, avx512 or avx512_vnni", text,
                         kBaseline);
    isa = static_cast<Isa>(name - std::begin(kNames));
    check_supported("TUCO_ISA", isa);
  }
  choose(isa);
  return isa;
}

std::atomic<Isa>& current() {
  static std::atomic<Isa> isa = initial_isa();
  return isa;
}

}  // namespace

std::string_view isa_name(Isa isa) { return kNames[static_cast<int>(isa)]; }

std::vector<Isa> supported_isas() {
  static const std::vector<Isa> isas = [] {
    const int64_t machine = hwy::SupportedTargets() | HWY_STATIC_TARGET;
    std::vector<Isa> found;
    for (const Isa isa : {Isa::baseline, Isa::avx2, Isa::avx512, Isa::avx512_vnni})
      if ((targets_of(isa) & machine) == targets_of(isa) &&
          (found.empty() || targets_of(isa) != targets_of(found.back())))
        found.push_back(isa);
    return found;
  }();
  return isas;
}

std::vector<Isa> supported_float_isas() {
  std::vector<Isa> isas = supported_isas();
  std::erase(isas, Isa::avx512_vnni);
  return isas;
}

Isa active_isa() { return current().load(std::memory_order_relaxed); }

void set_isa(Isa isa) {
  check_supported("set_isa", isa);
  active_isa();
  choose(isa);
  current() = isa;
}

}  // namespace tuco::cpu
