// Random numbers by counter: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as
// 1, 2, 3", SC 2011). The i-th number of a stream is a pure function of (seed, stream, i), so that
// the same seed gives the same numbers on any device and with any number of threads.
#pragma once
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "tuco/core/host_device.h"

namespace tuco {

namespace philox {

using Block = std::array<uint32_t, 4>;

/// The four numbers of block `index` of stream (`seed`, `stream`).
TUCO_HOST_DEVICE constexpr Block block(uint64_t seed, uint64_t stream, uint64_t index) {
  auto key0 = static_cast<uint32_t>(seed), key1 = static_cast<uint32_t>(seed >> 32);
  Block c{static_cast<uint32_t>(index), static_cast<uint32_t>(index >> 32),
          static_cast<uint32_t>(stream), static_cast<uint32_t>(stream >> 32)};
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = uint64_t{0xD2511F53} * c[0], b = uint64_t{0xCD9E8D57} * c[2];
    c = {static_cast<uint32_t>(b >> 32) ^ c[1] ^ key0, static_cast<uint32_t>(b),
         static_cast<uint32_t>(a >> 32) ^ c[3] ^ key1, static_cast<uint32_t>(a)};
    key0 += 0x9E3779B9;
    key1 += 0xBB67AE85;
  }
  return c;
}

/// 24 random bits as a float in [0, 1).
TUCO_HOST_DEVICE constexpr float to_unit(uint32_t bits) { return static_cast<float>(bits >> 8) * 0x1p-24f; }

/// Two independent standard normal numbers from two random words (Box and Muller).
TUCO_HOST_DEVICE inline std::array<float, 2> to_normal(uint32_t a, uint32_t b) {
  const float radius = std::sqrt(-2.0f * std::log(1.0f - to_unit(a)));
  const float angle = 6.28318530717958648f * to_unit(b);
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

}  // namespace philox

/// A position in one Philox stream; a small value, copied freely.
class Rng {
 public:
  explicit Rng(uint64_t seed = 0, uint64_t stream = 0) : seed_(seed), stream_(stream) {}

  /// The next 32 random bits.
  uint32_t bits();
  /// A float in [0, 1).
  float uniform() { return philox::to_unit(bits()); }
  /// A float in [low, high).
  float uniform(float low, float high) { return low + (high - low) * uniform(); }
  /// An integer in [0, n), n > 0, without bias.
  uint32_t below(uint32_t n);
  /// True with the given probability.
  bool chance(float probability) { return uniform() < probability; }
  /// A standard normal number.
  float normal();

  /// An independent generator for the `id`-th thing that wants one (a sample, a worker).
  Rng split(uint64_t id) const;
  /// Reserves `count` numbers of the stream, starting at a whole block, for a kernel that fills a
  /// tensor; returns the first block's index.
  uint64_t reserve(uint64_t count);

  uint64_t seed() const { return seed_; }
  uint64_t stream() const { return stream_; }
  /// How many numbers have been drawn: with seed and stream, the whole state.
  uint64_t position() const { return position_; }
  void set_position(uint64_t position) { position_ = position; }

 private:
  uint64_t seed_, stream_, position_ = 0;
};

/// The generator that functions use when none is given; one for the program, guarded by a lock.
/// Seeds it anew.
void manual_seed(uint64_t seed);
/// Reserves `count` numbers of the program's generator, and returns a generator at their start.
Rng reserve_random(uint64_t count);

/// What one thread reserved of the program's generator, to be handed out once more in the same
/// order: for what is computed again.
class RandomLog {
 public:
  /// While one lives, what this thread reserves is noted, or handed out again; they nest, and a
  /// Replay throws Error where more is asked for than was noted.
  class Record {
   public:
    explicit Record(RandomLog& log);
    ~Record();
    Record(const Record&) = delete;
    Record& operator=(const Record&) = delete;

   private:
    RandomLog* before_;
  };
  class Replay {
   public:
    explicit Replay(const RandomLog& log);
    ~Replay();
    Replay(const Replay&) = delete;
    Replay& operator=(const Replay&) = delete;

   private:
    const RandomLog* before_;
    size_t next_before_;
  };

 private:
  friend Rng reserve_random(uint64_t count);
  std::vector<Rng> reserved_;
};

}  // namespace tuco
