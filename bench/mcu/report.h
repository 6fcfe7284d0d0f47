// What mcu_bench prints: a table, as text or for bench/RESULTS.md, and everything as JSON.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "tuco/bench/mcu/image.h"

namespace tuco::bench {

/// One model on one board, compiled in one way.
struct Row {
  const Model* model;
  Variant variant;
  /// Nothing, and the reason, where it did not come to a run.
  std::optional<Measures> measures;
  std::string error;

  /// Multiply-accumulates of one run, as the generated comments say; 0 if they say nothing.
  int64_t products() const;
  /// Whether it ran, gave the expected bytes and wrote nothing beside its arena.
  bool good() const;
  /// What there is to say of it in a word or two.
  std::string verdict() const;
};

std::string text_table(const std::vector<Row>& rows);
std::string markdown_table(const std::vector<Row>& rows);
std::string json(const std::vector<Row>& rows);

/// What each layer of a row took, in the order of execution.
std::string layer_table(const Row& row);
/// The `most` functions that took the most, and what they weigh.
std::string function_table(const Row& row, int most);

}  // namespace tuco::bench
