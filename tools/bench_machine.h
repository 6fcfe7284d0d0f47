// Part of `tuco bench`: the machine's own limits.
#pragma once

namespace tuco::tools {

/// Measures and prints arithmetic and memory at their peak, on one thread and on all, as a table or
/// as one line of JSON.
void bench_machine(bool json);

}  // namespace tuco::tools
