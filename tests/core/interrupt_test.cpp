#include "tuco/core/interrupt.h"

#include <gtest/gtest.h>

#include <csignal>

#include "tuco/core/error.h"

namespace tuco {
namespace {

TEST(Interrupt, TheFirstSignalOnlySetsAFlag) {
  for (const int signal : {SIGINT, SIGTERM}) {
    const Interrupt interrupt;
    EXPECT_FALSE(interrupt.requested());
    std::raise(signal);
    EXPECT_TRUE(interrupt.requested());
  }
  const Interrupt fresh;
  EXPECT_FALSE(fresh.requested());
}

TEST(InterruptDeathTest, TheSecondSignalEndsTheProgram) {
  for (const int first : {SIGINT, SIGTERM})
    for (const int second : {SIGINT, SIGTERM})
      EXPECT_EXIT(
          {
            const Interrupt interrupt;
            std::raise(first);
            if (interrupt.requested()) std::raise(second);
          },
          testing::KilledBySignal(second), "");
}

volatile std::sig_atomic_t own_handler_calls = 0;

TEST(Interrupt, TheHandlersFromBeforeComeBack) {
  const auto original = std::signal(SIGINT, [](int) { own_handler_calls = own_handler_calls + 1; });
  {
    const Interrupt interrupt;
    std::raise(SIGINT);
    EXPECT_EQ(own_handler_calls, 0);
  }
  std::raise(SIGINT);
  EXPECT_EQ(own_handler_calls, 1);
  std::signal(SIGINT, original);
}

TEST(Interrupt, ThereIsOneAtATime) {
  const Interrupt interrupt;
  EXPECT_THROW(Interrupt(), Error);
  std::raise(SIGINT);
  EXPECT_TRUE(interrupt.requested());
}

}  // namespace
}  // namespace tuco
