// Copying and filling bytes without the C library. A compiler may turn these loops, and other
// code, into calls of memcpy and memset: a program without a C library defines
// TUCO_DEFINE_MEMORY_FUNCTIONS before it includes this file, once, and has them from here.
#ifndef TUCO_RUNTIME_MEMORY_H
#define TUCO_RUNTIME_MEMORY_H

#include "base.h"

// Copies `size` bytes between places that do not overlap.
TUCO_INLINE void tuco_copy(int8_t* TUCO_RESTRICT out, const int8_t* TUCO_RESTRICT in, size_t size) {
  for (size_t i = 0; i < size; i++) out[i] = in[i];
}

// Sets `size` bytes to `value`.
TUCO_INLINE void tuco_fill(int8_t* out, int8_t value, size_t size) {
  for (size_t i = 0; i < size; i++) out[i] = value;
}

#ifdef TUCO_DEFINE_MEMORY_FUNCTIONS
#if defined(__GNUC__) && !defined(__clang__)
// Without this, gcc recognises the loop inside memcpy and calls memcpy.
#define TUCO_MEMORY_FUNCTION \
  __attribute__((weak, used, optimize("no-tree-loop-distribute-patterns")))
#elif defined(__clang__)
#define TUCO_MEMORY_FUNCTION __attribute__((weak, used, no_builtin("memcpy", "memset")))
#else
#define TUCO_MEMORY_FUNCTION
#endif
#ifdef __cplusplus
extern "C" {
#endif

void* memcpy(void* TUCO_RESTRICT out, const void* TUCO_RESTRICT in, size_t size);
void* memset(void* out, int value, size_t size);

TUCO_MEMORY_FUNCTION void* memcpy(void* TUCO_RESTRICT out, const void* TUCO_RESTRICT in,
                                  size_t size) {
  unsigned char* to = (unsigned char*)out;
  const unsigned char* from = (const unsigned char*)in;
  for (size_t i = 0; i < size; i++) to[i] = from[i];
  return out;
}

TUCO_MEMORY_FUNCTION void* memset(void* out, int value, size_t size) {
  unsigned char* to = (unsigned char*)out;
  for (size_t i = 0; i < size; i++) to[i] = (unsigned char)value;
  return out;
}

#ifdef __cplusplus
}
#endif
#endif

#endif
