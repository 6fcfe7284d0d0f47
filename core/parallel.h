// The one door to several threads. A body is called with half-open ranges that together cover the
// whole; which ranges depends on the number of threads alone, so results are the same every time.
#pragma once
#include <cstdint>
#include <memory>
#include <type_traits>

namespace tuco {

/// Threads that parallel_for uses from this thread: 1 inside another parallel_for, and at most as
/// many as a ThreadLimit allows.
int num_threads();
/// Sets the program's number of threads; the start value is TUCO_NUM_THREADS or the machine's
/// cores. Throws Error below 1.
void set_num_threads(int threads);

/// While one lives, parallel_for on this thread uses at most so many threads, this one included.
class ThreadLimit {
 public:
  explicit ThreadLimit(int threads);
  ~ThreadLimit();
  ThreadLimit(const ThreadLimit&) = delete;
  ThreadLimit& operator=(const ThreadLimit&) = delete;

 private:
  int before_;
};

/// While one lives, parallel_for on this thread runs on this thread alone (the Loader's workers).
class SerialScope : ThreadLimit {
 public:
  SerialScope() : ThreadLimit(1) {}
};

namespace detail {
using RangeBody = void (*)(void* context, int64_t begin, int64_t end);
void parallel_for(int64_t begin, int64_t end, int64_t grain, void* context, RangeBody body);
}  // namespace detail

/// Calls body(b, e) on ranges that cover [begin, end), none shorter than `grain` unless it is the
/// only one. An exception in a body is thrown again here, after all others have ended.
template <class Body>
void parallel_for(int64_t begin, int64_t end, int64_t grain, Body&& body) {
  detail::parallel_for(begin, end, grain, const_cast<void*>(static_cast<const void*>(&body)),
                       [](void* context, int64_t b, int64_t e) {
                         (*static_cast<std::remove_reference_t<Body>*>(context))(b, e);
                       });
}

}  // namespace tuco
