// Counts what operator new is asked for, by all threads of the test program.
#pragma once
#include <cstdint>

namespace tuco::test {

/// The allocations since it was made.
class AllocationCount {
 public:
  AllocationCount();
  int64_t count() const;

 private:
  int64_t before_;
};

}  // namespace tuco::test
