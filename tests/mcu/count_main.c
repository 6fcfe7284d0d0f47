// Executes a known number of instructions between the marks.
#include "mcu.h"

int main(void) {
  mcu_count_begin();
  __asm volatile("mov r0, #1000\n 1: subs r0, #1\n bne 1b" : : : "r0", "cc");  // 1 + 2000
  mcu_count_end();
  return 0;
}
