// Runs every golden case of the runtime on the microcontroller, from flash, and compares the bytes.
#include "mcu.h"
#include "tests/runtime/golden_run.h"

extern const uint8_t golden_begin[], golden_end[];  // golden_cases.S

static int8_t out[4096];

int main(void) {
  int32_t cases = 0, bytes = 0, wrong = 0;
  const uint8_t* at = golden_begin;
  golden_case c;
  for (size_t size; (size = golden_read(at, (size_t)(golden_end - at), &c)) != 0; at += size) {
    const int32_t length = golden_run(&c, out, (int32_t)sizeof out, 0);
    const int32_t differing = length < 0 ? 1 : golden_differences(&c, out, length);
    if (differing != 0) {
      mcu_print("differs: operation ");
      mcu_print_number(c.operation);
      mcu_print(", case ");
      mcu_print_number(cases);
      mcu_print("\n");
      wrong++;
    }
    cases++;
    bytes += length;
  }
  mcu_print_number(cases);
  mcu_print(" cases, ");
  mcu_print_number(bytes);
  mcu_print(" bytes, stack ");
  mcu_print_number((int32_t)mcu_stack_used());
  mcu_print(at == golden_end ? "\n" : ", and the cases do not end where they should\n");
  return wrong != 0 || cases < 100 || at != golden_end;
}
