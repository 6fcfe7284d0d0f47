// Kernels that are called once, with sizes that the compiler sees, write nothing but their outputs:
// GCC 12 once took a constant predicate of Helium for another.
#include "mcu.h"
#include "tuco/deploy/runtime/columns.h"
#include "tuco/deploy/runtime/pool.h"
#include "tuco/deploy/runtime/row.h"
#include "tuco/deploy/runtime/taps.h"

enum { CHANNELS = 16, GUARD = 64, PATTERN = 0x5a };

// Weights are zeros and the multipliers 1/4, so that output c is c.
#define CHANNEL(c) 4 * (c)*64 + 1, 1 << 30
static const int32_t channels[2 * CHANNELS] = {CHANNEL(0),  CHANNEL(1),  CHANNEL(2),  CHANNEL(3),
                                               CHANNEL(4),  CHANNEL(5),  CHANNEL(6),  CHANNEL(7),
                                               CHANNEL(8),  CHANNEL(9),  CHANNEL(10), CHANNEL(11),
                                               CHANNEL(12), CHANNEL(13), CHANNEL(14), CHANNEL(15)};
static const int32_t bias[CHANNELS] = {4 * 0 * 64 + 1, 4 * 1 * 64 + 1, 4 * 2 * 64 + 1};
static const int32_t multiplier = 1 << 30;
static const int16_t pairs[9 * 8];
static const int8_t taps[CHANNELS];
static const tuco_window pixel = {1, 1, 5, 1, 1, CHANNELS, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1};
static const tuco_window depthwise = {1, 1, CHANNELS, 1, 1, CHANNELS, 1, 1,       1,
                                      1, 1, 1,        0, 0, 0,        0, CHANNELS};
static int32_t scratch[16], input[8];
static int8_t memory[GUARD + CHANNELS + GUARD];

static int32_t wrong;

static void check(const char* kernel, int32_t count, int8_t* out) {
  int32_t differing = 0;
  for (int32_t i = 0; i < count; i++) differing += out[i] != i;
  for (int32_t i = 0; i < (int32_t)sizeof memory; i++)
    if (i < GUARD || i >= GUARD + count) differing += memory[i] != PATTERN;
  for (int32_t i = 0; i < (int32_t)sizeof memory; i++) memory[i] = PATTERN;
  mcu_print(kernel);
  mcu_print(" ");
  mcu_print_number(differing);
  mcu_print("\n");
  wrong += differing;
}

int main(void) {
  int8_t* const out = memory + GUARD;
  const int8_t* const in = (const int8_t*)input;
  for (int32_t i = 0; i < (int32_t)sizeof memory; i++) memory[i] = PATTERN;
  tuco_conv2d_columns(out, in, (int16_t*)(void*)scratch, pairs, &pixel, 0, channels, 0, -128, 127);
  check("conv2d_columns", CHANNELS, out);
  tuco_pointwise_columns(out, in, (int16_t*)(void*)scratch, pairs, 1, 8, CHANNELS, 0, channels, 0,
                         -128, 127);
  check("pointwise_columns", CHANNELS, out);
  tuco_fully_connected_row(out, in, pairs, 8, 3, bias, &multiplier, 0, 0, -128, 127);
  check("fully_connected_row", 3, out);
  tuco_depthwise_taps(out, in, taps, &depthwise, 0, channels, 0, -128, 127);
  check("depthwise_taps", CHANNELS, out);
  for (int32_t i = 0; i < CHANNELS; i++) ((int8_t*)input)[i] = (int8_t)i;
  tuco_max_pool(out, in, &depthwise, -128, 127);
  check("max_pool", CHANNELS, out);
  tuco_average_pool(out, in, &depthwise, -128, 127, 0, 0);
  check("average_pool", CHANNELS, out);
  return wrong != 0;
}
