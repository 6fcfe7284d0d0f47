// Summary: what a network does with an input, layer by layer, found by running it once.
#pragma once
#include <string>
#include <vector>

#include "tuco/layers/module.h"

namespace tuco {

/// One module that computed something itself.
struct SummaryRow {
  /// Dotted name, "" for the network itself, and the class.
  std::string name, kind;
  /// Shape of what it gave last.
  Shape output;
  /// Numbers in its own parameters, counted where the module first runs.
  int64_t parameters = 0;
  /// Multiply-accumulates of its convolutions and matrix products.
  int64_t products = 0;
};

/// A network's rows in the order in which they ran, with totals.
struct Summary {
  Shape input;
  std::vector<SummaryRow> rows;
  int64_t parameters = 0, products = 0;
  /// The table as text.
  std::string to_string() const;
};

/// Runs the network in evaluation mode on zeros of shape `input`, batch included, off the tape, and
/// restores its modes. Throws as the network does if the shape does not fit.
Summary summary(const Module& net, const Shape& input);

}  // namespace tuco
