// Loads a model from a file in flash on the microcontroller, runs it and compares every byte with
// the interpreter's; files that are cut off or damaged, and arenas that are too small, are refused.
// The arena lies between guards, which must stay as they are.
#include "mcu.h"
#include "model.h"
#include "model_cases.h"
#include "tuco_model.h"

extern const uint8_t file_begin[], file_end[];  // model_file.S

enum { GUARD = 64, PATTERN = 0x5a };
static int32_t memory[(MODEL_ARENA_BYTES + 2 * GUARD + 3) / 4];
static int32_t copy[4096 / 4];

static void print_named(const char* name, int32_t number) {
  mcu_print(name);
  mcu_print_number(number);
}

int main(void) {
  uint8_t* const bytes = (uint8_t*)memory;
  int8_t* const arena = (int8_t*)memory + GUARD;
  const size_t size = (size_t)(file_end - file_begin);
  tuco_model model;
  int32_t wrong = 0, overrun = 0, refused = 0;
  for (size_t i = 0; i < sizeof memory; i++) bytes[i] = PATTERN;

  refused +=
      tuco_model_open(&model, file_begin, size - 1, arena, MODEL_ARENA_BYTES, NULL) == TUCO_CUT_OFF;
  refused += tuco_model_open(&model, file_begin, size, arena, MODEL_ARENA_BYTES - 1, NULL) ==
             TUCO_ARENA_TOO_SMALL;
  if (size <= sizeof copy) {
    for (size_t i = 0; i < size; i++) ((uint8_t*)copy)[i] = file_begin[i];
    ((uint8_t*)copy)[size / 2] ^= 4;
    refused += tuco_model_open(&model, copy, size, arena, MODEL_ARENA_BYTES, NULL) == TUCO_DAMAGED;
  }
  print_named("refused ", refused);

  const int32_t status = tuco_model_open(&model, file_begin, size, arena, MODEL_ARENA_BYTES, NULL);
  print_named(", status ", status);
  mcu_print("\n");
  if (status != TUCO_OK) return 1;
  for (int c = 0; c < MODEL_CASES; c++) {
    int8_t* const input = tuco_model_input(&model);
    for (int i = 0; i < MODEL_INPUT_BYTES; i++) input[i] = model_case_inputs[c][i];
    if (c == 0) mcu_count_begin();
    const int8_t* const output = tuco_model_run(&model);
    if (c == 0) mcu_count_end();
    for (int i = 0; i < MODEL_OUTPUT_BYTES; i++) wrong += output[i] != model_case_outputs[c][i];
  }
  for (size_t i = 0; i < sizeof memory; i++)
    if (i < GUARD || i >= GUARD + MODEL_ARENA_BYTES) overrun += bytes[i] != PATTERN;
  print_named("cases ", MODEL_CASES);
  print_named(", bytes differing ", wrong);
  print_named(", bytes touched outside the arena ", overrun);
  print_named(", stack ", (int32_t)mcu_stack_used());
  mcu_print("\n");
  return wrong != 0 || overrun != 0;
}
