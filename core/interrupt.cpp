#include "tuco/core/interrupt.h"

#include <csignal>

#include "tuco/core/error.h"

namespace tuco {
namespace {

volatile std::sig_atomic_t flag = 0;
bool alive = false;
using Handler = void (*)(int);
Handler before_int = nullptr, before_term = nullptr;

void on_signal(int) {
  flag = 1;
  // The next one, of either kind, ends the program.
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

}  // namespace

Interrupt::Interrupt() {
  require<Error>(!alive, "Interrupt: there is one already");
  alive = true;
  flag = 0;
  before_int = std::signal(SIGINT, on_signal);
  before_term = std::signal(SIGTERM, on_signal);
}

Interrupt::~Interrupt() {
  std::signal(SIGINT, before_int);
  std::signal(SIGTERM, before_term);
  alive = false;
}

bool Interrupt::requested() const { return flag != 0; }

}  // namespace tuco
