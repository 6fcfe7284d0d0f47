#include "tuco/devices/cpu/isa.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "tuco/core/error.h"

namespace tuco::cpu {
namespace {

// In a process of its own, since the variable is read once: exits with 1 if it was refused.
[[noreturn]] void try_isa(const char* name) {
  setenv("TUCO_ISA", name, 1);
  try {
    std::exit(isa_name(active_isa()) == name ? 0 : 2);
  } catch (const DeviceError&) {
    std::exit(1);
  }
}

TEST(Isa, EnvironmentChoosesOrIsRefused) {
#ifdef TUCO_EMULATED
  GTEST_SKIP() << "the test starts its own program anew, which an emulated one cannot";
#endif
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  for (const Isa isa : supported_isas())
    EXPECT_EXIT(try_isa(isa_name(isa).data()), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(try_isa("mmx"), testing::ExitedWithCode(1), "");
}

TEST(Isa, SetChangesTheOneInUse) {
  const Isa before = active_isa();
  for (const Isa isa : supported_isas()) {
    set_isa(isa);
    EXPECT_EQ(active_isa(), isa);
  }
  set_isa(before);
}

}  // namespace
}  // namespace tuco::cpu
