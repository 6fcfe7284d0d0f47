// What goes wrong on a real device now and then, planned by a test, so that the code that answers
// runs. Each plan holds while its object lives.
#pragma once
#include <cstddef>
#include <string>

namespace standin {

/// Makes calls of one function fail, before they do anything: the n-th from now on (counted from 1)
/// and the `times - 1` after it. `status` is the library's own, a cudaError_t, cublasStatus_t or
/// cudnnStatus_t. Kernel launches are calls of "cudaLaunchKernel"; the endings _v2 and _64 make no
/// difference.
class FailCall {
 public:
  FailCall(std::string function, int status, int n = 1, int times = 1);
  ~FailCall();
  FailCall(const FailCall&) = delete;
  FailCall& operator=(const FailCall&) = delete;
  /// Whether a call has failed by this plan.
  bool happened() const { return happened_; }

 private:
  friend int planned_failure(const std::string& function);
  std::string function_;
  int status_, n_, times_;
  bool happened_ = false;
};

/// Makes the n-th task that a stream runs from now on (a kernel, a copy, a library's work) fail on
/// the device: `status` is what every later call of the runtime returns, as after an illegal
/// address.
class FailTask {
 public:
  explicit FailTask(int status, int n = 1);
  ~FailTask();
  FailTask(const FailTask&) = delete;
  FailTask& operator=(const FailTask&) = delete;
};

/// The memory of every device, in bytes.
class MemoryLimit {
 public:
  explicit MemoryLimit(std::size_t bytes);
  ~MemoryLimit();
  MemoryLimit(const MemoryLimit&) = delete;
  MemoryLimit& operator=(const MemoryLimit&) = delete;

 private:
  std::size_t before_;
};

/// What cuDNN refuses.
struct Refusals {
  /// Graphs of more than one operation.
  bool fusion = false;
  /// Everything.
  bool everything = false;
  /// So many of the first engine configurations, when a plan is made of them.
  int engines = 0;
  /// The type of operation (cudnnBackendDescriptorType_t) that these apply to; -1 for all.
  int operation = -1;
};

/// Makes cuDNN refuse.
class CudnnRefuses {
 public:
  explicit CudnnRefuses(const Refusals& refusals);
  ~CudnnRefuses();
  CudnnRefuses(const CudnnRefuses&) = delete;
  CudnnRefuses& operator=(const CudnnRefuses&) = delete;

 private:
  Refusals before_;
};

/// The status planned for this call; 0 for none. For the stand-ins themselves.
int planned_failure(const std::string& function);
/// What cuDNN refuses now. For the stand-in of cuDNN.
const Refusals& refusals();

}  // namespace standin
