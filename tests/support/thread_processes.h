// Threads that stand for processes: what several processes do together, in one test program and
// without MPI.
#pragma once
#include <functional>

#include "tuco/core/communicator.h"

namespace tuco::test {

/// Runs `body` on `count` threads, each with a Communicator in which it is one of so many
/// processes. An exception in one of them ends the others' waiting, and is thrown here; the first
/// one's, by rank, if there are several. Whoever waits for ten seconds in vain throws Error.
void run_processes(int count, const std::function<void(Communicator&)>& body);

}  // namespace tuco::test
