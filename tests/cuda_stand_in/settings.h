// The settings of the stand-in that a test may change for a while; the environment sets them for a
// whole program (README.md).
#pragma once
#include <string>

namespace standin {

/// The order in which streams run: "lazy" (nothing before something waits for it), "eager" (at
/// once) or "random:SEED". Throws std::invalid_argument for another.
class RunOrder {
 public:
  explicit RunOrder(const std::string& order);
  ~RunOrder();
  RunOrder(const RunOrder&) = delete;
  RunOrder& operator=(const RunOrder&) = delete;

 private:
  int before_;
};

/// How long a task waits for what only other threads can bring about, such as another rank's call,
/// before that is a mistake: ten seconds by default.
class Patience {
 public:
  explicit Patience(double seconds);
  ~Patience();
  Patience(const Patience&) = delete;
  Patience& operator=(const Patience&) = delete;

 private:
  double before_;
};

/// Which of a block's warps runs first: shuffled by this seed for each block; 0 is the order of
/// their numbers.
class WarpOrder {
 public:
  explicit WarpOrder(unsigned seed);
  ~WarpOrder();
  WarpOrder(const WarpOrder&) = delete;
  WarpOrder& operator=(const WarpOrder&) = delete;

 private:
  unsigned before_;
};

}  // namespace standin
