/* Runs an exported network in a bare C program: no Tuco, no library but for the printing.
     cc -std=c99 -O2 -I DIR main.c DIR/cats_vs_dogs.c -o run_exported
     run_exported [FILE]
   FILE holds pictures as raw bytes, CATS_VS_DOGS_INPUT_BYTES each: rows of red, green, blue from 0
   to 255. Without it, the network sees a grey picture. */
#include <stdio.h>

#include "cats_vs_dogs.h"

static int32_t arena[(CATS_VS_DOGS_ARENA_BYTES + 3) / 4]; /* int32_t aligns it */

/* Reads one picture: a pixel p becomes p - 128. Returns 0 at the end of the file. */
static int read_picture(FILE* file, int8_t* input) {
  size_t i;
  for (i = 0; i < CATS_VS_DOGS_INPUT_BYTES; i++) {
    const int pixel = file ? fgetc(file) : 128;
    if (pixel == EOF) return 0;
    input[i] = (int8_t)(pixel - 128);
  }
  return 1;
}

int main(int argc, char** argv) {
  FILE* file = argc > 1 ? fopen(argv[1], "rb") : NULL;
  if (argc > 1 && !file) {
    fprintf(stderr, "cannot open %s\n", argv[1]);
    return 1;
  }
  printf("arena %d bytes, input %d bytes\n", CATS_VS_DOGS_ARENA_BYTES, CATS_VS_DOGS_INPUT_BYTES);
  while (read_picture(file, cats_vs_dogs_input(arena))) {
    const int8_t* scores = cats_vs_dogs_run(arena);
    int best = 0, i;
    for (i = 1; i < CATS_VS_DOGS_OUTPUT_BYTES; i++)
      if (scores[i] > scores[best]) best = i;
    printf("%s  (", cats_vs_dogs_class_names[best]);
    for (i = 0; i < CATS_VS_DOGS_OUTPUT_BYTES; i++)
      printf("%s%s %.2f", i ? ", " : "", cats_vs_dogs_class_names[i],
             (double)CATS_VS_DOGS_OUTPUT_SCALE * (scores[i] - CATS_VS_DOGS_OUTPUT_ZERO_POINT));
    printf(")\n");
    if (!file) break;
  }
  if (file) fclose(file);
  return 0;
}
