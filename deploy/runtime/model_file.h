// The layout of a model in a file (.tuco), which devices read in place, from flash. All numbers are
// little-endian words of 32 bits, all offsets are in bytes from the file's beginning.
#ifndef TUCO_RUNTIME_MODEL_FILE_H
#define TUCO_RUNTIME_MODEL_FILE_H

#include "base.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "models in files are little-endian"
#endif

enum {
  TUCO_FILE_MAGIC = 0x4f435554,  // "TUCO"
  TUCO_FILE_VERSION = 2,
  // The checksum is of the bytes from here on.
  TUCO_FILE_CHECKED_FROM = 16,
  // No file, arena or size in a file is larger.
  TUCO_FILE_LIMIT = 1 << 28
};

// Set in an argument that is an address in the file; in one without, it is an offset in the arena.
#define TUCO_IN_FILE 0x80000000u

// Input or output: where in the arena, and what an integer q stands for: scale * (q - zero_point).
typedef struct {
  uint32_t place, bytes;
  float scale;
  int32_t zero_point;
} tuco_file_tensor;

// How a picture becomes the input, each of whose values is a pixel - 128; all 0 without.
typedef struct {
  uint32_t height, width, channels;
  uint32_t blue_first;  // 0: red, green, blue
  uint32_t covers;      // 1: scaled until it covers the frame, the middle cut out; 0: stretched
} tuco_file_picture;

// What a run leaves to the next, and what it is before the first.
typedef struct {
  uint32_t place, bytes;
  uint32_t initial;  // the address of as many bytes, or the byte that all of them are
} tuco_file_state;

typedef struct {
  uint32_t magic, version;
  uint32_t file_bytes;
  uint32_t checksum;  // CRC-32 of what follows
  uint32_t arena_bytes;
  // Calls lie one after another: a word with the kernel's number and, from bit 16 on, the number of
  // its arguments, and these.
  uint32_t calls, call_count;
  tuco_file_tensor input, output;
  // Names of the classes, in the order of the outputs, each ended by a zero.
  uint32_t classes, class_count;
  // tuco_file_state, one after another.
  uint32_t states, state_count;
  tuco_file_picture picture;
} tuco_file_header;

// tuco_requantization (requantize.h) in a file, its arrays as addresses.
typedef struct {
  uint32_t multiplier, shift;
  int32_t per_channel, zero_point, low, high, rounding;
} tuco_file_requantization;

// CRC-32 (IEEE 802.3).
TUCO_SHARED uint32_t tuco_crc32(const uint8_t* bytes, uint32_t size) {
  static const uint32_t table[16] = {
      0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
      0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
      0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
  };
  uint32_t crc = 0xffffffffu;
  for (uint32_t i = 0; i < size; i++) {
    crc ^= bytes[i];
    crc = crc >> 4 ^ table[crc & 15];
    crc = crc >> 4 ^ table[crc & 15];
  }
  return ~crc;
}

#endif
