// What runs before main on an emulated Cortex-M or RISC-V core: the reset, the FPU, limits of
// memory that hold, the copy of initialised data, and the way out through semihosting, for faults
// too. No C library is needed.
#include <stddef.h>
#include <stdint.h>

#include "mcu.h"

extern uint32_t mcu_data_source, mcu_data_begin, mcu_data_end, mcu_bss_begin, mcu_bss_end;

// Of the linker's command line: their addresses are the numbers.
extern char MCU_CODE, MCU_CODE_SIZE, MCU_RAM, MCU_RAM_SIZE;

int main(void);

__attribute__((used, noreturn)) static void report_fault(void) {
  mcu_print("fault: the program did what the core or the board does not allow\n");
  mcu_exit(70);
}

__attribute__((used, noreturn)) static void run_main(void) {
  const volatile uint32_t* from = &mcu_data_source;
  for (volatile uint32_t* to = &mcu_data_begin; to < &mcu_data_end;) *to++ = *from++;
  for (volatile uint32_t* to = &mcu_bss_begin; to < &mcu_bss_end;) *to++ = 0;
  mcu_stack_mark();
  mcu_exit(main());
}

uint32_t mcu_stack_used(void) {
  const volatile uint32_t* at = mcu_stack_bottom;
  while (at < mcu_stack_top && *at == MCU_STACK_MARK) at++;
  return (uint32_t)((uintptr_t)mcu_stack_top - (uintptr_t)at);
}

#ifdef __riscv

// The stack may be what failed: a fresh one, before anything else.
__attribute__((naked, aligned(4))) static void on_fault(void) {
  __asm volatile("la sp, mcu_stack_top\n tail report_fault");
}

// The code is locked against writing (the first region of the PMP: read and execute), so that an
// overrun of the stack, which lies above it, faults.
__attribute__((used)) static void set_up_core(void) {
  const uintptr_t code = (uintptr_t)&MCU_CODE, size = (uintptr_t)&MCU_CODE_SIZE;
  __asm volatile(
      ".option push\n .option arch, +zicsr\n csrw mtvec, %0\n csrw pmpaddr0, %1\n"
      "csrw pmpcfg0, %2\n .option pop"
      :
      : "r"(on_fault), "r"((code >> 2) | ((size >> 3) - 1)), "r"(0x9d)
      : "memory");
}

__attribute__((naked, section(".vectors"))) void mcu_reset(void) {
  __asm volatile("la sp, mcu_stack_top\n call set_up_core\n tail run_main");
}

#else

__attribute__((naked)) static void on_fault(void) {
  __asm volatile("ldr r0, =mcu_stack_top\n mov sp, r0\n ldr r0, =report_fault\n bx r0");
}

// Many boards let everything pass: writes to code, and stacks that leave the RAM. With the MPU only
// code, which can only be read, and RAM are there. A Cortex-M0 has none.
static void limit_memory(void) {
#if __ARM_ARCH >= 7
  volatile uint32_t* const mpu = (volatile uint32_t*)0xe000ed90u;  // TYPE, CTRL, RNR, RBAR, RASR
  const uintptr_t begin[2] = {(uintptr_t)&MCU_CODE, (uintptr_t)&MCU_RAM};
  const uintptr_t size[2] = {(uintptr_t)&MCU_CODE_SIZE, (uintptr_t)&MCU_RAM_SIZE};
  for (uint32_t i = 0; i < 2; i++) {
    mpu[2] = i;
#if __ARM_ARCH >= 8
    mpu[12] = 0xff;                                   // MAIR0: ordinary memory
    mpu[3] = begin[i] | (i == 0 ? 3u << 1 : 1);       // read-only; not executable
    mpu[4] = ((begin[i] + size[i] - 1) & ~31u) | 1u;  // RLAR: the last 32 bytes
#else
    const uint32_t log2_size = 31u - (uint32_t)__builtin_clz(size[i]);
    mpu[3] = begin[i];
    mpu[4] = (i == 0 ? 6u << 24 : 1u << 28 | 3u << 24) | (log2_size - 1) << 1 | 1u;
#endif
  }
  mpu[1] = 1;
  __asm volatile("dsb\n isb" : : : "memory");
#endif
}

void mcu_reset(void) {
#if __ARM_FP || __ARM_FEATURE_MVE
  *(volatile uint32_t*)0xe000ed88u |= 0xfu << 20;  // CPACR: the FPU, and Helium, are on
  __asm volatile("dsb\n isb");
#endif
  limit_memory();
  run_main();
}

typedef void (*handler)(void);

__attribute__((section(".vectors"), used)) static const struct {
  const uint32_t* stack;
  handler handlers[15];
} vectors = {mcu_stack_top,
             {mcu_reset, on_fault, on_fault, on_fault, on_fault, on_fault, on_fault, on_fault,
              on_fault, on_fault, on_fault, on_fault, on_fault, on_fault, on_fault}};

#endif
