// The program that mcu_bench puts around a generated model: it runs every case, and says what came
// of it; to a model with states they are one sequence. The names of the model's functions and
// macros, and the numbers of the cases, come with the compiler's command line; the cases' bytes lie
// in bench_inputs and bench_outputs. It divides nothing and copies nothing, so that whatever the
// image holds for that is the model's.
#include "mcu.h"
#include BENCH_HEADER

extern const int8_t bench_inputs[], bench_outputs[];  // without inputs they are zeros

enum { GUARD = 64, PATTERN = 0x5a };
static struct {
  uint8_t before[GUARD];
  int8_t arena[BENCH_ARENA_BYTES];
  uint8_t after[GUARD];
} memory __attribute__((aligned(16)));

static void print_named(const char* name, uint32_t number) {
  char digits[9];
  for (int i = 0; i < 8; i++) digits[i] = "0123456789abcdef"[number >> (28 - 4 * i) & 15];
  digits[8] = '\0';
  mcu_print(name);
  mcu_print(digits);
  mcu_print("\n");
}

int main(void) {
  uint32_t wrong = 0, touched = 0, stack = 0;
  for (int i = 0; i < GUARD; i++) memory.before[i] = memory.after[i] = PATTERN;
  const int8_t *from = bench_inputs, *expected = bench_outputs;
  BENCH_RESET(memory.arena);
  for (int c = 0; c < BENCH_CASES; c++) {
    int8_t* const input = BENCH_INPUT(memory.arena);
    for (int i = 0; i < BENCH_INPUT_BYTES; i++) input[i] = *from++;
    // The first case is the one that counts.
    mcu_stack_mark();
    if (c == 0) mcu_count_begin();
    const int8_t* const output = BENCH_RUN(memory.arena);
    if (c == 0) mcu_count_end();
    const uint32_t used = mcu_stack_used() - mcu_stack_here();
    if (used > stack) stack = used;
    for (int i = 0; i < BENCH_OUTPUT_BYTES; i++) wrong += output[i] != *expected++;
  }
  for (int i = 0; i < GUARD; i++)
    touched += (memory.before[i] != PATTERN) + (memory.after[i] != PATTERN);
  print_named("bytes differing ", wrong);
  print_named("bytes touched outside the arena ", touched);
  print_named("stack ", stack);
  return 0;
}
