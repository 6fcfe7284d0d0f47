// What a test program on an emulated microcontroller has instead of a C library: text to the host,
// an exit code, the depth of the stack, and marks between which instructions are counted.
#ifndef TUCO_TESTS_MCU_H
#define TUCO_TESTS_MCU_H

#include <stdint.h>

#define MCU_INLINE static inline __attribute__((always_inline, unused))
#ifdef __riscv
#define MCU_MOVE "mv"
#else
#define MCU_MOVE "mov"
#endif

// Text and numbers to the host's stderr.
void mcu_print(const char* text);
void mcu_print_number(int32_t number);

// Ends the emulator with this exit code.
__attribute__((noreturn)) void mcu_exit(int code);

// The bytes of stack that are in use here, and the most that were in use since mcu_stack_mark was
// last called, which the start-up code does.
extern uint32_t mcu_stack_top[], mcu_stack_bottom[];
MCU_INLINE uint32_t* mcu_stack_pointer(void) {
  uint32_t* pointer;
  __asm volatile(MCU_MOVE " %0, sp" : "=r"(pointer));
  return pointer;
}
MCU_INLINE uint32_t mcu_stack_here(void) {
  return (uint32_t)((uintptr_t)mcu_stack_top - (uintptr_t)mcu_stack_pointer());
}
uint32_t mcu_stack_used(void);

// Fills the stack that is not in use with a mark. Inlined: nothing lies below the stack pointer.
enum { MCU_STACK_MARK = 0x7eac0de5 };
MCU_INLINE void mcu_stack_mark(void) {
  const volatile uint32_t* const here = mcu_stack_pointer();
  for (volatile uint32_t* to = mcu_stack_bottom; to < here;) *to++ = MCU_STACK_MARK;
}

// Empty functions: count_plugin.c counts the instructions from the one to the other.
void mcu_count_begin(void);
void mcu_count_end(void);

#endif
