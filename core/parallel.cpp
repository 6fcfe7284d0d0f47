#include "tuco/core/parallel.h"

#include <omp.h>

#include <atomic>
#include <cstdlib>
#include <exception>
#include <limits>
#include <mutex>

#include "tuco/core/error.h"

namespace tuco {
namespace {

int initial_threads() {
  const char* text = std::getenv("TUCO_NUM_THREADS");
  const int wanted = text ? std::atoi(text) : 0;
  return wanted > 0 ? wanted : omp_get_num_procs();
}

std::atomic<int>& threads() {
  static std::atomic<int> value = initial_threads();
  return value;
}

thread_local int limit = std::numeric_limits<int>::max();

}  // namespace

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
  const int64_t parts = std::min<int64_t>(num_threads(), size / std::max<int64_t>(grain, 1));
  if (parts <= 1) {
    body(context, begin, end);
    return;
  }
  std::exception_ptr error;
  std::mutex error_mutex;
#pragma omp parallel num_threads(static_cast<int>(parts))
  {
    SerialScope inner;
    // The runtime may give fewer threads than asked for; the parts stay the same.
    for (int64_t part = omp_get_thread_num(); part < parts; part += omp_get_num_threads()) {
      try {
        body(context, begin + size * part / parts, begin + size * (part + 1) / parts);
      } catch (...) {
        std::lock_guard lock(error_mutex);
        if (!error) error = std::current_exception();
      }
    }
  }
  if (error) std::rethrow_exception(error);
}

}  // namespace detail
}  // namespace tuco
