#include "tuco/devices/cpu/processor.h"

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>

#include <array>
#endif

namespace tuco::cpu {
namespace {

std::string read_name() {
#if defined(__x86_64__) || defined(__i386__)
  // Three leaves of 16 characters each, padded with blanks and zeros.
  std::array<unsigned, 13> words{};
  for (unsigned leaf = 0; leaf < 3; ++leaf)
    if (!__get_cpuid(0x80000002 + leaf, &words[4 * leaf], &words[4 * leaf + 1],
                     &words[4 * leaf + 2], &words[4 * leaf + 3]))
      return "x86";
  const std::string name = reinterpret_cast<const char*>(words.data());
  const size_t first = name.find_first_not_of(' ');
  if (first == std::string::npos) return "x86";
  return name.substr(first, name.find_last_not_of(' ') - first + 1);
#elif defined(__aarch64__)
  return "aarch64";
#else
  return "unknown processor";
#endif
}

}  // namespace

const std::string& processor_name() {
  static const std::string name = read_name();
  return name;
}

}  // namespace tuco::cpu
