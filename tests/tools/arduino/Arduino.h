// As much of Arduino's core as a generated sketch uses: enough to compile it anywhere, and to run
// it on a host, where the serial line is standard input and output.
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef STUB_HOST
#include <chrono>
#include <cstdio>
#endif

class SerialLine {
 public:
  void begin(unsigned long) {}
  void setTimeout(unsigned long) {}
  explicit operator bool() const { return true; }
#ifdef STUB_HOST
  size_t readBytes(char* to, size_t size) { return std::fread(to, 1, size, stdin); }
  void print(const char* text) { std::fputs(text, stdout); }
  void print(unsigned long number) { std::printf("%lu", number); }
  void println(const char* text) { std::printf("%s\n", text); }
  void println(int number) { std::printf("%d\n", number); }
#else
  size_t readBytes(char* to, size_t size);
  void print(const char* text);
  void print(unsigned long number);
  void println(const char* text);
  void println(int number);
#endif
};
extern SerialLine Serial;
unsigned long micros();
void setup();
void loop();
