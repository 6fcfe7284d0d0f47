// Runs a program and keeps what it says.
#pragma once
#include <string>
#include <vector>

namespace tuco::bench {

/// What a program that has ended left.
struct Ended {
  /// Its exit code, or 128 and the signal that ended it.
  int code;
  /// Standard output and standard error, in the order in which they were written.
  std::string output;
};

/// Runs `command`, found in PATH. Throws std::system_error if it cannot be started.
Ended run(const std::vector<std::string>& command);

/// The same, for what must succeed: throws std::runtime_error with the command and its output.
std::string run_checked(const std::vector<std::string>& command);

/// Whether PATH has a program of this name.
bool in_path(const std::string& program);

}  // namespace tuco::bench
