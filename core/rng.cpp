#include "tuco/core/rng.h"

#include <mutex>
#include <utility>

#include "tuco/core/error.h"

namespace tuco {
namespace {

std::mutex default_mutex;
Rng default_rng{0};

thread_local RandomLog* record = nullptr;
thread_local const RandomLog* replay = nullptr;
thread_local size_t next_replayed = 0;

}  // namespace

uint32_t Rng::bits() {
  const auto block = philox::block(seed_, stream_, position_ / 4);
  return block[position_++ % 4];
}

uint32_t Rng::below(uint32_t n) {
  // Lemire's method: the high word of a product, drawn again in the biased sliver.
  uint64_t product = uint64_t{bits()} * n;
  if (static_cast<uint32_t>(product) < n) {
    const uint32_t sliver = -n % n;
    while (static_cast<uint32_t>(product) < sliver) product = uint64_t{bits()} * n;
  }
  return static_cast<uint32_t>(product >> 32);
}

float Rng::normal() {
  const uint32_t a = bits();
  return philox::to_normal(a, bits())[0];
}

Rng Rng::split(uint64_t id) const {
  // A block of a key that the stream itself never uses gives the new key and stream.
  const auto block = philox::block(~seed_, stream_, id);
  return Rng(block[0] | uint64_t{block[1]} << 32, block[2] | uint64_t{block[3]} << 32);
}

uint64_t Rng::reserve(uint64_t count) {
  const uint64_t first = (position_ + 3) / 4;
  position_ = (first + (count + 3) / 4) * 4;
  return first;
}

void manual_seed(uint64_t seed) {
  std::lock_guard lock(default_mutex);
  default_rng = Rng(seed);
}

Rng reserve_random(uint64_t count) {
  const auto reserve = [count] {
    const std::lock_guard lock(default_mutex);
    Rng result = default_rng;
    result.set_position(default_rng.reserve(count) * 4);
    return result;
  };
  require<Error>(!replay || next_replayed < replay->reserved_.size(),
                 "random numbers: what is computed again wants more of them than the first time");
  const Rng result = replay ? replay->reserved_[next_replayed++] : reserve();
  if (record) record->reserved_.push_back(result);
  return result;
}

RandomLog::Record::Record(RandomLog& log) : before_(std::exchange(record, &log)) {}
RandomLog::Record::~Record() {
  // What was noted within belongs to what is around, too.
  if (before_)
    before_->reserved_.insert(before_->reserved_.end(), record->reserved_.begin(),
                              record->reserved_.end());
  record = before_;
}

RandomLog::Replay::Replay(const RandomLog& log)
    : before_(std::exchange(replay, &log)), next_before_(std::exchange(next_replayed, 0)) {}
RandomLog::Replay::~Replay() {
  replay = before_;
  next_replayed = next_before_;
}

}  // namespace tuco
