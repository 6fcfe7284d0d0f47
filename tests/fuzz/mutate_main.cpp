// mutate COUNT: parses every sample, which must succeed, then COUNT mutations of them, the same
// ones each time. mutate --write FOLDER: writes the samples, for libFuzzer to start from.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "tests/fuzz/target.h"
#include "tuco/core/error.h"
#include "tuco/core/rng.h"

namespace tuco::fuzz {
namespace {

// Numbers at which sizes and offsets go wrong.
constexpr uint64_t kNumbers[] = {0,
                                 1,
                                 7,
                                 0x7F,
                                 0xFF,
                                 0x7FFF,
                                 0xFFFF,
                                 0x7FFFFFFF,
                                 1u << 31,
                                 0xFFFFFFFF,
                                 uint64_t{1} << 32,
                                 uint64_t{1} << 48,
                                 ~uint64_t{0} >> 1,
                                 uint64_t{1} << 63,
                                 ~uint64_t{0}};

/// A part of `bytes`, at most 64 long.
Bytes part_of(const Bytes& bytes, Rng& rng) {
  if (bytes.empty()) return {};
  const size_t begin = rng.below(static_cast<uint32_t>(bytes.size()));
  const size_t length = std::min<size_t>(1 + rng.below(64), bytes.size() - begin);
  const auto first = bytes.begin() + static_cast<ptrdiff_t>(begin);
  return {first, first + static_cast<ptrdiff_t>(length)};
}

void mutate(Bytes& bytes, const Bytes& other, Rng& rng) {
  const size_t at = bytes.empty() ? 0 : rng.below(static_cast<uint32_t>(bytes.size()));
  const auto place = bytes.begin() + static_cast<ptrdiff_t>(at);
  switch (rng.below(8)) {
    case 0:
      if (!bytes.empty()) bytes[at] ^= static_cast<uint8_t>(1u << rng.below(8));
      break;
    case 1:
      if (!bytes.empty()) bytes[at] = static_cast<uint8_t>(rng.bits());
      break;
    case 2:
      bytes.resize(at);
      break;
    case 3: {
      const size_t end = std::min(bytes.size(), at + 1 + rng.below(64));
      bytes.erase(place, bytes.begin() + static_cast<ptrdiff_t>(end));
      break;
    }
    case 4: {
      const Bytes part = part_of(rng.below(2) ? bytes : other, rng);
      bytes.insert(bytes.begin() + static_cast<ptrdiff_t>(at), part.begin(), part.end());
      break;
    }
    case 5: {  // a number in 1, 2, 4 or 8 bytes, of either order
      const uint64_t number = kNumbers[rng.below(std::size(kNumbers))];
      const size_t size = size_t{1} << rng.below(4);
      const bool big = rng.below(2) != 0;
      for (size_t i = 0; i < size && at + i < bytes.size(); ++i)
        bytes[at + i] = static_cast<uint8_t>(number >> 8 * (big ? size - 1 - i : i));
      break;
    }
    case 6: {  // a number in digits, in the place of another
      const auto digit =
          std::find_if(place, bytes.end(), [](uint8_t c) { return std::isdigit(c); });
      const auto end = std::find_if(digit, bytes.end(), [](uint8_t c) { return !std::isdigit(c); });
      const std::string text = std::to_string(kNumbers[rng.below(std::size(kNumbers))]);
      const auto hole = bytes.erase(digit, end);
      bytes.insert(hole, text.begin(), text.end());
      break;
    }
    default: {
      const Bytes part = part_of(other, rng);
      for (size_t i = 0; i < part.size() && at + i < bytes.size(); ++i) bytes[at + i] = part[i];
    }
  }
}

int run(int count) {
  const std::vector<Bytes> all = samples();
  for (const Bytes& sample : all) parse(sample);
  const Rng root(2026);
  int refused = 0;
  for (int i = 0; i < count; ++i) {
    Rng rng = root.split(static_cast<uint64_t>(i));
    const auto any = [&]() -> const Bytes& {
      return all[rng.below(static_cast<uint32_t>(all.size()))];
    };
    Bytes bytes = any();
    for (uint32_t step = 0, steps = 1 + rng.below(4); step < steps; ++step)
      mutate(bytes, any(), rng);
    try {
      parse(bytes);
    } catch (const Error&) {
      ++refused;
    } catch (const std::exception& error) {
      std::printf("mutation %d: not an error of ours: %s\n", i, error.what());
      write_file("mutation-" + std::to_string(i), bytes);
      return 1;
    }
  }
  std::printf("%zu samples, %d mutations: %d refused, %d still valid\n", all.size(), count, refused,
              count - refused);
  // A parser that takes, or refuses, everything was not tested.
  return refused > 0 && refused < count ? 0 : 1;
}

int write_samples(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  int index = 0;
  for (const Bytes& sample : samples())
    write_file((folder / ("sample-" + std::to_string(index++))).string(), sample);
  return 0;
}

}  // namespace
}  // namespace tuco::fuzz

int main(int count, char** arguments) {
  if (count == 3 && std::string_view(arguments[1]) == "--write")
    return tuco::fuzz::write_samples(arguments[2]);
  if (count == 2) return tuco::fuzz::run(std::atoi(arguments[1]));
  std::puts("usage: mutate COUNT | mutate --write FOLDER");
  return 2;
}
