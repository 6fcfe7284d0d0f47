// The variables of a .tflite file, which become states of the Graph: those that operators name
// (VAR_HANDLE), and tensors that are marked as variable.
#pragma once
#include <map>
#include <set>
#include <string>

#include "tuco/core/graph.h"

namespace tuco::tflite {

/// A variable while operators are imported.
struct Variable {
  /// What CALL_ONCE gives it; undefined where it begins as zeros.
  Tensor initial;
  /// The graph's value of it when a run begins, once it is read, and what it is by now; or -1.
  int before = -1, current = -1;
  /// The number of its state, once it is read.
  size_t state = 0;
};

/// The variables of a file by name, and the tensors that stand for them.
struct Variables {
  std::map<std::string, Variable> by_name;
  std::map<int, std::string> handles;
  /// The graphs that CALL_ONCE names.
  std::set<int> graphs;
};

}  // namespace tuco::tflite
