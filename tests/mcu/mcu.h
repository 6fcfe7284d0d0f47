// What a test program on an emulated microcontroller has instead of a C library: text to the host,
// an exit code, the depth of the stack, and marks between which instructions are counted.
#ifndef TUCO_TESTS_MCU_H
#define TUCO_TESTS_MCU_H

#include <stdint.h>

// Text and numbers to the host's stderr.
void mcu_print(const char* text);
void mcu_print_number(int32_t number);

// Ends the emulator with this exit code.
__attribute__((noreturn)) void mcu_exit(int code);

// The deepest the stack has been since the start, in bytes.
uint32_t mcu_stack_used(void);

// Empty functions: count_plugin.c counts the instructions from the one to the other.
void mcu_count_begin(void);
void mcu_count_end(void);

#endif
