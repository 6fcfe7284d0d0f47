// Executes known numbers of instructions between the marks: a loop, and calls of functions.
#include "mcu.h"

// 1 + 2 * 1000 instructions.
#ifdef __riscv
#define LOOP __asm volatile("li t0, 1000\n 1: addi t0, t0, -1\n bnez t0, 1b" : : : "t0")
#else
#define LOOP \
  __asm volatile(".syntax unified\n ldr r0, =1000\n 1: subs r0, #1\n bne 1b" : : : "r0", "cc")
#endif

__attribute__((noinline)) static void quick(void) { __asm volatile("nop"); }
__attribute__((noinline)) static void slow(void) { LOOP; }

__attribute__((noinline, used)) static void work(void) {
  quick();
  slow();
  quick();  // compilers jump there
}

int main(void) {
  mcu_count_begin();
  LOOP;
  mcu_count_end();
  mcu_count_begin();
  work();
  mcu_count_end();
  return 0;
}
