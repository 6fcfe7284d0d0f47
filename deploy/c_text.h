// The C text of a Program: its constants, and a function for each layer.
#pragma once
#include <string>
#include <vector>

#include "tuco/deploy/program.h"

namespace tuco::deploy {

/// The definitions of all constants, their names beginning with `prefix`.
std::string constants_text(const Program& program, const std::string& prefix);

/// A function for each layer with calls, and a comment for each, and the calls of these functions.
/// `comments` says of each layer what it is.
struct LayersText {
  std::string functions, calls;
};
LayersText layers_text(const Program& program, const std::string& prefix,
                       const std::vector<std::string>& comments);

/// Statements that give all states what they begin as.
std::string states_text(const Program& program, const std::string& prefix);

/// A place in the arena: "arena + 128".
std::string place_text(int64_t offset);

}  // namespace tuco::deploy
