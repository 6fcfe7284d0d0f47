// Whether operations are recorded for backward, on this thread.
#pragma once

namespace tuco {

/// Whether operations on this thread are recorded; they are at the start.
bool grad_enabled();

/// While one lives, nothing is recorded on this thread: for evaluation and updates.
class NoGrad {
 public:
  NoGrad();
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  bool before_;
};

/// While one lives, this thread records again, inside a NoGrad too: for a backward that runs a forward
/// and a backward of its own.
class WithGrad {
 public:
  WithGrad();
  ~WithGrad();
  WithGrad(const WithGrad&) = delete;
  WithGrad& operator=(const WithGrad&) = delete;

 private:
  bool before_;
};

}  // namespace tuco
