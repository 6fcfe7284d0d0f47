// The report on a quantized model: what int8 costs in accuracy, layer by layer, and what the model
// costs on a device.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "tuco/deploy/engine/context.h"
#include "tuco/deploy/export_c.h"

namespace tuco::deploy {

/// A node's op and the module that ran it: "conv2d features.3".
std::string node_label(const Graph::Node& node);

/// How faithful a layer's int8 output is.
struct LayerNoise {
  /// As node_label gives it.
  std::string name;
  Shape shape;
  /// 10 log10 of the power of the float output over that of its difference to the int8 one.
  double signal_to_noise_db = 0;
};

/// Right answers of a float network and its int8 form on the same test data.
struct Accuracy {
  int64_t samples = 0, float_right = 0, int8_right = 0;
  /// Samples on which the two answer differently.
  int64_t changed = 0;
  double float_percent() const;
  double int8_percent() const;
  double changed_percent() const;
};

/// Everything that is reported.
struct Report {
  std::string name;
  std::vector<LayerNoise> layers;
  int64_t parameters = 0, products = 0;
  /// Bytes: of the float weights, of all constants of the int8 model, of the arena, and the least
  /// that any arena could have.
  int64_t float_bytes = 0, constant_bytes = 0, arena_bytes = 0, arena_lower_bound = 0;
  std::optional<Accuracy> accuracy;
  /// As a table for people.
  std::string to_text() const;
  /// For programs.
  std::string to_json() const;
};

/// Compares a float graph with the model that quantize made of it on `samples`, value by value.
Report make_report(const Graph& graph, const QuantizedModel& model, const Tensor& samples,
                   const std::string& name);

/// Counts right answers, the class with the largest output, of a float network and its int8 form on
/// a batch, and adds them to `accuracy`. `labels` are int64 (n,).
void count_right(Context& in_float, Context& in_int8, const Tensor& images, const Tensor& labels,
                 Accuracy& accuracy);

/// The same over a range of images and labels, such as a data::Loader.
template <class Batches>
Accuracy compare(const Graph& graph, const QuantizedModel& model, Batches&& batches) {
  constexpr PlanOptions kParts{.max_batch = 16};
  Context in_float(Plan::compile(graph, kParts)), in_int8(Plan::compile(model, kParts));
  Accuracy accuracy;
  for (const auto& [images, labels] : batches)
    count_right(in_float, in_int8, images, labels, accuracy);
  return accuracy;
}

/// Writes the report as path.txt and path.json. Throws IoError.
void write_report(const Report& report, const std::string& path);

}  // namespace tuco::deploy
