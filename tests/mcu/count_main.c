// Executes a known number of instructions between the marks.
#include "mcu.h"

int main(void) {
  mcu_count_begin();
#ifdef __riscv
  __asm volatile("li t0, 1000\n 1: addi t0, t0, -1\n bnez t0, 1b" : : : "t0");  // 1 + 2000
#else
  __asm volatile(".syntax unified\n ldr r0, =1000\n 1: subs r0, #1\n bne 1b"  // 1 + 2000
                 :
                 :
                 : "r0", "cc");
#endif
  mcu_count_end();
  return 0;
}
