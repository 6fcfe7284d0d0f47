// The processes that an MPI launcher started (MPI: A Message-Passing Interface Standard, 3.1).
#pragma once
#include "tuco/core/communicator.h"

namespace tuco::mpi {

/// Whether the program called MPI_Init itself, or join() did.
bool is_initialized();

/// Joins the processes that were started together: once. Sees to it that a process that fails ends
/// the others.
Communicator& join();

}  // namespace tuco::mpi
