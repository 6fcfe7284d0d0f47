// Which part of a region this thread runs: a place for what is kept from one region to the next
// must not depend on the thread, since any may take any part.
#pragma once
#include <cstdint>

namespace tuco {

/// Within the body of a parallel_for whose parts several threads share out, the number of the part
/// from 0; at most one part of a number runs at a time in the whole program. -1 elsewhere, as in
/// bodies that the calling thread runs alone.
int64_t parallel_part();

}  // namespace tuco
