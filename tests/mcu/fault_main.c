// Recurses until the stack leaves the RAM: the board must stop it, or its limits mean nothing.
#include "mcu.h"

static volatile uint32_t depth;

__attribute__((noinline)) static uint32_t deeper(uint32_t n) {
  volatile uint32_t frame[64];
  frame[n % 64] = n;
  depth = n;
  return deeper(n + 1) + frame[n % 64];
}

int main(void) { return (int)deeper(0); }
