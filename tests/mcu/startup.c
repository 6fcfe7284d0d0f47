// What runs before main on an emulated Cortex-M: the vector table, the copy of initialised data,
// the FPU, and the way out through semihosting. No C library is needed.
#include <stddef.h>
#include <stdint.h>

#include "mcu.h"

extern uint32_t mcu_stack_top, mcu_stack_bottom, mcu_data_source, mcu_data_begin, mcu_data_end,
    mcu_bss_begin, mcu_bss_end;

enum { STACK_MARK = 0x7eac0de5 };

int main(void);

__attribute__((used, noreturn)) static void report_fault(void) {
  mcu_print("fault: the program did what the core or the board does not allow\n");
  mcu_exit(70);
}

// The stack may be what failed: a fresh one, before anything else.
__attribute__((naked)) static void on_fault(void) {
  __asm volatile("ldr r0, =mcu_stack_top\n mov sp, r0\n b report_fault");
}

void mcu_reset(void) {
#ifdef __ARM_FP
  *(volatile uint32_t*)0xe000ed88u |= 0xfu << 20;  // CPACR: the FPU is on
  __asm volatile("dsb\n isb");
#endif
  const volatile uint32_t* from = &mcu_data_source;
  for (volatile uint32_t* to = &mcu_data_begin; to < &mcu_data_end;) *to++ = *from++;
  for (volatile uint32_t* to = &mcu_bss_begin; to < &mcu_bss_end;) *to++ = 0;
  volatile uint32_t* here = __builtin_frame_address(0);
  for (volatile uint32_t* to = &mcu_stack_bottom; to < here - 16;) *to++ = STACK_MARK;
  mcu_exit(main());
}

uint32_t mcu_stack_used(void) {
  const volatile uint32_t* at = &mcu_stack_bottom;
  while (at < &mcu_stack_top && *at == STACK_MARK) at++;
  return (uint32_t)((uintptr_t)&mcu_stack_top - (uintptr_t)at);
}

typedef void (*handler)(void);

__attribute__((section(".vectors"), used)) static const struct {
  const uint32_t* stack;
  handler handlers[15];
} vectors = {&mcu_stack_top,
             {mcu_reset, on_fault, on_fault, on_fault, on_fault, on_fault, on_fault, on_fault,
              on_fault, on_fault, on_fault, on_fault, on_fault, on_fault, on_fault}};
