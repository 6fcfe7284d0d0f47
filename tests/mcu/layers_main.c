// Runs the fast kernels of the runtime on the microcontroller at random sizes, for which
// make_layers has packed the constants and the interpreter has given the outputs: with input and
// output apart, and as close as the memory plan may put them. Around everything that they may touch
// lie guards. Sums and pools are held against plain code.
#include "mcu.h"
#include "tuco/deploy/runtime/add.h"
#include "tuco/deploy/runtime/columns.h"
#include "tuco/deploy/runtime/plane.h"
#include "tuco/deploy/runtime/pool.h"
#include "tuco/deploy/runtime/quick_add.h"
#include "tuco/deploy/runtime/row.h"
#include "tuco/deploy/runtime/taps.h"

// What make_layers writes: the number of words that follow, then these, then the weights, the
// channels' words (of row.h their biases), multipliers of row.h, the input and the output.
typedef struct {
  int32_t kernel;  // 1 and on: columns, pointwise, row, plane, taps
  int32_t in_size, out_size;
  int32_t distance, scratch;  // the least one from output to input, and bytes
  int32_t descending, step, in_zero_point, zero_point, low, high;
  int32_t window[17];
  int32_t weight_words, channel_words, multiplier_words;
} layer;

extern const int32_t layers_begin[], layers_end[];  // layers.S

enum { GUARD = 16, ARENA = 5000 + 4 * GUARD, PATTERN = 0x5a };
static int32_t memory[ARENA / 4];

static void run(const layer* l, int8_t* out, const int8_t* in, int16_t* scratch) {
  const int32_t* const weights = (const int32_t*)(l + 1);
  const int32_t* const channels = weights + l->weight_words;
  const int32_t* const multipliers = channels + l->channel_words;
  const int16_t* const pairs = (const int16_t*)weights;
  const int8_t* const bytes = (const int8_t*)weights;
  tuco_window g;
  int16_t* const sizes = (int16_t*)&g;
  for (int i = 0; i < 17; i++) sizes[i] = (int16_t)l->window[i];
  switch (l->kernel) {
    case 1:
      tuco_conv2d_columns(out, in, scratch, pairs, &g, l->in_zero_point, channels, l->zero_point,
                          l->low, l->high);
      break;
    case 2:
      tuco_pointwise_columns(out, in, scratch, pairs, g.out_h * g.out_w, g.in_c, g.out_c,
                             l->descending, channels, l->zero_point, l->low, l->high);
      break;
    case 3:
      tuco_fully_connected_row(out, in, pairs, g.in_h * g.in_w * g.in_c, g.out_c, channels,
                               multipliers, l->step, l->zero_point, l->low, l->high);
      break;
    case 4:
      tuco_depthwise_plane(out, in, scratch, bytes, g.in_h, g.in_w, g.out_h, g.out_w, g.in_c,
                           g.pad_top, g.pad_left, l->in_zero_point, channels, l->zero_point, l->low,
                           l->high);
      break;
    default:
      tuco_depthwise_taps(out, in, bytes, &g, l->in_zero_point, channels, l->zero_point, l->low,
                          l->high);
  }
}

// How many bytes are not what they should be.
static int32_t wrong_bytes(const layer* l, int32_t distance) {
  const int8_t* const input = (const int8_t*)((const int32_t*)(l + 1) + l->weight_words +
                                              l->channel_words + l->multiplier_words);
  const int8_t* const expected = input + ((l->in_size + 3) & ~3);
  uint8_t* const bytes = (uint8_t*)memory;
  const int32_t scratch_size = (l->scratch + 3) & ~3;
  const int32_t scratch = GUARD, base = scratch + scratch_size + GUARD;
  const int32_t out = base + (distance < 0 ? -distance : 0), in = out + distance;
  const int32_t in_end = in + l->in_size, out_end = out + l->out_size;
  const int32_t end = in_end > out_end ? in_end : out_end;
  int32_t wrong = 0;
  if (end + GUARD > (int32_t)sizeof memory) return 1;
  for (size_t i = 0; i < sizeof memory; i++) bytes[i] = PATTERN;
  for (int32_t i = 0; i < l->in_size; i++) bytes[in + i] = (uint8_t)input[i];
  run(l, (int8_t*)bytes + out, (const int8_t*)bytes + in, (int16_t*)(void*)(bytes + scratch));
  for (int32_t i = 0; i < l->out_size; i++) wrong += (int8_t)bytes[out + i] != expected[i];
  for (int32_t i = 0; i < (int32_t)sizeof memory; i++)
    if (i < scratch || (i >= scratch + l->scratch && i < base) || i >= end)
      wrong += bytes[i] != PATTERN;
  return wrong;
}

static uint32_t state = 1;
static int32_t random_below(int32_t bound) {
  state = state * 1664525u + 1013904223u;
  return (int32_t)((state >> 8) % (uint32_t)bound);
}

static int32_t wrong_sums(void) {
  static int8_t a[41], b[41], out[41], expected[41];
  int32_t wrong = 0;
  for (int32_t size = 1; size <= 40; size++) {
    const int32_t low = random_below(3) == 0 ? -128 : random_below(256) - 128;
    const int32_t half = random_below(2);  // the factor 1/2 of the larger input
    const tuco_addition p = {random_below(256) - 128,
                             half ? 1 << 30 : (1 << 30) + random_below(1 << 24) * 63,
                             half ? 0 : -1 - random_below(5),
                             random_below(256) - 128,
                             random_below(2) ? 1 << 30 : (1 << 30) + random_below(1 << 24) * 63,
                             -1 - random_below(5),
                             random_below(256) - 128,
                             random_below(2) ? 1 << 30 : (1 << 30) + random_below(1 << 24) * 63,
                             -15 - random_below(6),
                             low,
                             127 - random_below(3) * (127 - low) / 4,
                             TUCO_DOUBLE_ROUNDING};
    const tuco_quick_addition q = {p.a_multiplier,
                                   p.b_multiplier,
                                   p.out_multiplier,
                                   (int16_t)p.a_zero_point,
                                   (int16_t)p.b_zero_point,
                                   (int16_t)p.out_zero_point,
                                   half ? 22 : 21,
                                   21,
                                   (int8_t)(half ? 1 : -p.a_shift),
                                   (int8_t)-p.b_shift,
                                   (int8_t)-p.out_shift};
    for (int32_t i = 0; i <= size; i++) {
      a[i] = (int8_t)(random_below(256) - 128);
      b[i] = (int8_t)(random_below(256) - 128);
      out[i] = expected[i] = PATTERN;
    }
    tuco_add(expected, a, b, size, &p);
    tuco_quick_add(out, a, b, size, &q, p.low, p.high);
    for (int32_t i = 0; i <= size; i++) wrong += out[i] != expected[i];
    tuco_quick_add(a, a, b, size, &q, p.low, p.high);
    for (int32_t i = 0; i < size; i++) wrong += a[i] != expected[i];
  }
  return wrong;
}

static int32_t wrong_pools(void) {
  static int8_t in[5 * 4 * 40], largest[3 * 2 * 40 + 1], mean[3 * 2 * 40 + 1];
  int32_t wrong = 0;
  for (int32_t channels = 1; channels <= 40; channels++) {
    // 5 x 4 under windows of 3 x 2 in steps of 2, with padding above and to the left.
    const tuco_window g = {
        5, 4, (int16_t)channels, 3, 2, (int16_t)channels, 3, 2, 2, 2, 1, 1, 1, 1, 1, 0, 1};
    const int32_t size = 6 * channels, low = -100, high = 90;
    const int32_t zero_point = random_below(256) - 128, padded = channels & 1;
    for (int32_t i = 0; i < 20 * channels; i++) in[i] = (int8_t)(random_below(256) - 128);
    largest[size] = mean[size] = PATTERN;
    tuco_max_pool(largest, in, &g, low, high);
    tuco_average_pool(mean, in, &g, low, high, padded, zero_point);
    wrong += largest[size] != PATTERN || mean[size] != PATTERN;
    for (int32_t i = 0; i < size; i++) {
      const int32_t pixel = i / channels, y = pixel / 2 * 2 - 1, x = pixel % 2 * 2 - 1;
      int32_t best = low, sum = 0, cells = 0;
      for (int32_t ky = y; ky < y + 3; ky++)
        for (int32_t kx = x; kx < x + 2; kx++) {
          const int32_t inside = ky >= 0 && ky < 5 && kx >= 0 && kx < 4;
          const int32_t value = inside ? in[(ky * 4 + kx) * channels + i % channels] : zero_point;
          if (inside && value > best) best = value;
          if (inside || padded) sum += value, cells++;
        }
      const int32_t half = sum > 0 ? cells / 2 : -(cells / 2);
      wrong += largest[i] != (best < high ? best : high);
      wrong += mean[i] != tuco_clamped((sum + half) / cells, low, high);
    }
  }
  return wrong;
}

static void print_named(const char* name, int32_t number) {
  mcu_print(name);
  mcu_print_number(number);
}

int main(void) {
  int32_t count = 0, bad = 0;
  for (const int32_t* at = layers_begin; at < layers_end; at += 1 + *at) {
    const layer* const l = (const layer*)(at + 1);
    const int32_t apart = wrong_bytes(l, (l->out_size + 3) & ~3);
    const int32_t closest = wrong_bytes(l, l->distance);
    if (apart || closest) {
      print_named("layer ", count);
      print_named(" of kernel ", l->kernel);
      print_named(": bytes that differ ", apart);
      print_named(", close to one another ", closest);
      mcu_print("\n");
      bad++;
    }
    count++;
  }
  const int32_t sums = wrong_sums(), pools = wrong_pools();
  print_named("layers ", count);
  print_named(", of which differ ", bad);
  print_named(", wrong sums ", sums);
  print_named(", wrong pools ", pools);
  mcu_print("\n");
  return bad != 0 || sums != 0 || pools != 0 || count < 100;
}
