// Does what a program must not do; the board has to stop it, or its limits mean nothing: it
// recurses until the stack leaves the RAM or, with WRITE_CODE, writes to the code.
#include "mcu.h"

#ifdef WRITE_CODE

int main(void) {
  // The pointer is volatile: the compiler must not know that this cannot work.
  volatile uint32_t* volatile code = (volatile uint32_t*)((uintptr_t)mcu_count_begin & ~3u);
  *code = 0;
  mcu_print("the code was written to\n");
  return 0;
}

#else

static volatile uint32_t depth;

__attribute__((noinline)) static uint32_t deeper(uint32_t n) {
  volatile uint32_t frame[64];
  frame[n % 64] = n;
  depth = n;
  if ((uintptr_t)(frame + 64) < (uintptr_t)mcu_stack_bottom) {
    mcu_print("the stack has left the RAM\n");
    mcu_exit(1);
  }
  return deeper(n + 1) + frame[n % 64];
}

int main(void) { return (int)deeper(0); }

#endif
