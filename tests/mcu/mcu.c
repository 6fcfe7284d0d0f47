#include "mcu.h"

#define TUCO_DEFINE_MEMORY_FUNCTIONS
#include "tuco/deploy/runtime/memory.h"

enum { SYS_WRITE0 = 4, SYS_EXIT_EXTENDED = 0x20, APPLICATION_EXIT = 0x20026 };

// Alone in its function, so that nothing before it moves when the linker shortens calls: on RISC-V
// the three instructions have to lie in one page, uncompressed.
__attribute__((noinline)) static void semihost(uint32_t operation, const void* argument) {
#ifdef __riscv
  register uint32_t a0 __asm("a0") = operation;
  register const void* a1 __asm("a1") = argument;
  __asm volatile(
      ".option push\n .option norvc\n .balign 16\n"
      "slli zero, zero, 0x1f\n ebreak\n srai zero, zero, 7\n .option pop"
      : "+r"(a0)
      : "r"(a1)
      : "memory");
#else
  register uint32_t r0 __asm("r0") = operation;
  register const void* r1 __asm("r1") = argument;
  __asm volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
#endif
}

void mcu_print(const char* text) { semihost(SYS_WRITE0, text); }

void mcu_print_number(int32_t number) {
  char text[12];
  char* at = text + sizeof text - 1;
  uint32_t rest = number < 0 ? 0u - (uint32_t)number : (uint32_t)number;
  *at = '\0';
  do {
    *--at = (char)('0' + rest % 10);
    rest /= 10;
  } while (rest);
  if (number < 0) *--at = '-';
  mcu_print(at);
}

void mcu_exit(int code) {
  const uint32_t block[2] = {APPLICATION_EXIT, (uint32_t)code};
  semihost(SYS_EXIT_EXTENDED, block);
  for (;;) {
  }
}

__attribute__((noinline, used)) void mcu_count_begin(void) { __asm volatile(""); }
__attribute__((noinline, used)) void mcu_count_end(void) { __asm volatile(""); }
