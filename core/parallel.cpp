// The pool behind parallel_for: workers that sleep when there is nothing to do. A region's parts
// are handed out by one atomic word, to workers and caller alike, so that the caller does itself
// what no worker has begun: a worker that the system runs late, or not at all, costs little.
#include "tuco/core/parallel.h"

#ifdef __linux__
#include <sched.h>
#endif

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <limits>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "tuco/core/error.h"
#include "tuco/core/parallel_part.h"

namespace tuco {
namespace {

/// How long a worker without work, and a caller whose parts are done, look for news before they
/// sleep: longer than the pause between two ops of a network, and than waking takes; shorter than
/// what anybody else would miss the core for.
constexpr std::chrono::microseconds kSpin{50};

int cores() {
#ifdef __linux__
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
  return static_cast<int>(std::thread::hardware_concurrency());
}

int initial_threads() {
  const char* text = std::getenv("TUCO_NUM_THREADS");
  const int wanted = text ? std::atoi(text) : 0;
  return wanted > 0 ? wanted : std::max(1, cores());
}

std::atomic<int>& threads() {
  static std::atomic<int> value = initial_threads();
  return value;
}

thread_local int limit = std::numeric_limits<int>::max();
thread_local int64_t current_part = -1;

void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Whether done() came true within kSpin.
template <class Done>
bool spin(const Done& done) {
  const auto end = std::chrono::steady_clock::now() + kSpin;
  do {
    for (int i = 0; i < 16; ++i) {
      if (done()) return true;
      pause();
    }
  } while (std::chrono::steady_clock::now() < end);
  return false;
}

/// What one parallel_for has to do.
struct Region {
  int64_t begin, size, parts;
  void* context;
  detail::RangeBody body;

  void run(int64_t part) const {
    body(context, begin + size * part / parts, begin + size * (part + 1) / parts);
  }
};

/// The parts of one region at a time that are still to be begun: the region's number, how many
/// parts it has and how many are begun, in one word, so that a thread that comes late cannot take a
/// part of a region that is over.
class Parts {
 public:
  static constexpr int64_t kMost = 0xffff;

  /// Opens a region; its first part is the caller's, and counts as begun.
  void open(int64_t count) {
    const uint64_t region = (word_.load(std::memory_order_relaxed) >> 32) + 1;
    word_.store(region << 32 | static_cast<uint64_t>(count) << 16 | 1, std::memory_order_release);
  }
  bool any() const { return left(word_.load(std::memory_order_relaxed)); }
  /// The next part, or -1 if there is none. What was written before open() is visible after it.
  int64_t take() {
    uint64_t word = word_.load(std::memory_order_relaxed);
    while (left(word))
      if (word_.compare_exchange_weak(word, word + 1, std::memory_order_acquire,
                                      std::memory_order_relaxed))
        return static_cast<int64_t>(word & kMost);
    return -1;
  }

 private:
  static bool left(uint64_t word) { return (word & kMost) < (word >> 16 & kMost); }
  std::atomic<uint64_t> word_ = 0;
};

class Pool {
 public:
  /// Never destroyed: a program may end while workers sleep, and in a forked child there are none.
  static Pool& instance() {
    static Pool* pool = new Pool;
    return *pool;
  }

  /// False if another thread's region runs.
  bool try_lock() { return !busy_.test_and_set(std::memory_order_acquire); }
  void unlock() { busy_.clear(std::memory_order_release); }

  /// Runs all parts, on this thread and workers; only while locked.
  void run(const Region& region) {
    start_workers(region.parts - 1);
    region_ = region;
    unfinished_.store(static_cast<int>(region.parts), std::memory_order_relaxed);
    parts_.open(region.parts);
    news_.fetch_add(1);
    if (region.parts > workers_)
      news_.notify_all();
    else
      for (int64_t i = 1; i < region.parts; ++i) news_.notify_one();
    do_part(0);  // always: where the data of the first half is in this core's cache, it stays
    work();
    const auto done = [&] { return unfinished_.load(std::memory_order_acquire) == 0; };
    if (!spin(done))
      for (int left = unfinished_.load(); left != 0; left = unfinished_.load())
        unfinished_.wait(left);
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }

 private:
  void start_workers(int64_t wanted) {
    while (workers_ < wanted) {
      try {
        std::thread([this] { serve(); }).detach();
      } catch (const std::system_error&) {
        return;  // the parts are done by fewer threads
      }
      ++workers_;
    }
  }

  void serve() {
    limit = 1;
    for (;;) {
      const int seen = news_.load();
      if (spin([&] { return parts_.any(); }))
        work();
      else
        news_.wait(seen);
    }
  }

  /// Takes parts and runs them until none is left.
  void work() {
    for (int64_t part; (part = parts_.take()) >= 0;) do_part(part);
  }

  void do_part(int64_t part) {
    current_part = part;
    try {
      region_.run(part);
    } catch (...) {
      const std::lock_guard lock(error_mutex_);
      if (!error_) error_ = std::current_exception();
    }
    current_part = -1;
    // Nothing of the region may be touched after this.
    if (unfinished_.fetch_sub(1) == 1) unfinished_.notify_one();
  }

  std::atomic_flag busy_;
  int64_t workers_ = 0;
  Region region_;
  alignas(64) Parts parts_;
  alignas(64) std::atomic<int> unfinished_ = 0;
  alignas(64) std::atomic<int> news_ = 0;
  std::mutex error_mutex_;
  std::exception_ptr error_;
};

}  // namespace

int64_t parallel_part() { return current_part; }

int num_threads() { return std::min(limit, threads().load(std::memory_order_relaxed)); }

void set_num_threads(int count) {
  require<Error>(count >= 1, "set_num_threads: {} threads, expected at least 1", count);
  threads() = count;
}

ThreadLimit::ThreadLimit(int threads) : before_(limit) {
  limit = std::min(limit, std::max(threads, 1));
}
ThreadLimit::~ThreadLimit() { limit = before_; }

namespace detail {

void parallel_for(int64_t begin, int64_t end, int64_t grain, void* context, RangeBody body) {
  if (begin >= end) return;
  const int64_t size = end - begin;
  const int64_t parts =
      std::min({int64_t{num_threads()}, size / std::max<int64_t>(grain, 1), Parts::kMost});
  if (parts <= 1) {
    body(context, begin, end);
    return;
  }
  const Region region{begin, size, parts, context, body};
  const SerialScope inner;
  Pool& pool = Pool::instance();
  if (pool.try_lock()) {
    struct Unlock {
      Pool& locked;
      ~Unlock() { locked.unlock(); }
    } unlock{pool};
    pool.run(region);
  } else {
    // The workers are another thread's; the parts stay what they are.
    for (int64_t part = 0; part < parts; ++part) region.run(part);
  }
}

}  // namespace detail
}  // namespace tuco
