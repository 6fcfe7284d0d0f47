// Runs a sketch on a host: setup, and loop once. Compiled, as the sketch, with -DSTUB_HOST.
#include "Arduino.h"

SerialLine Serial;

unsigned long micros() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<unsigned long>(
      std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

int main() {
  setup();
  loop();
}
