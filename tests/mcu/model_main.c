// Runs a generated model on the microcontroller and compares every byte with the interpreter's. The
// arena lies between guards, which must stay as they are.
#include "mcu.h"
#include "model.h"
#include "model_cases.h"

enum { GUARD = 64, PATTERN = 0x5a };
static int32_t memory[(MODEL_ARENA_BYTES + 2 * GUARD + 3) / 4];

static void print_named(const char* name, int32_t number) {
  mcu_print(name);
  mcu_print_number(number);
}

int main(void) {
  uint8_t* const bytes = (uint8_t*)memory;
  int8_t* const arena = (int8_t*)memory + GUARD;
  int32_t wrong = 0, overrun = 0;
  for (size_t i = 0; i < sizeof memory; i++) bytes[i] = PATTERN;
#ifdef MODEL_STATE_BYTES
  model_reset(arena);
#endif
  for (int c = 0; c < MODEL_CASES; c++) {
    int8_t* const input = model_input(arena);
    for (int i = 0; i < MODEL_INPUT_BYTES; i++) input[i] = model_case_inputs[c][i];
    if (c == 0) mcu_count_begin();
    const int8_t* const output = model_run(arena);
    if (c == 0) mcu_count_end();
    for (int i = 0; i < MODEL_OUTPUT_BYTES; i++) wrong += output[i] != model_case_outputs[c][i];
  }
  for (size_t i = 0; i < sizeof memory; i++)
    if (i < GUARD || i >= GUARD + MODEL_ARENA_BYTES) overrun += bytes[i] != PATTERN;
  print_named("cases ", MODEL_CASES);
  print_named(", bytes differing ", wrong);
  print_named(", bytes touched outside the arena ", overrun);
  print_named(", arena ", MODEL_ARENA_BYTES);
  print_named(", stack ", (int32_t)mcu_stack_used());
  mcu_print("\n");
  return wrong != 0 || overrun != 0;
}
