// Graphs in safetensors files: constants are tensors under their own names, and the ops are JSON in
// the metadata under "tuco.graph", so that one file holds a network whole, and Python opens its
// weights. Preprocessing and class names are in the metadata too.
#pragma once
#include <string>

#include "tuco/core/graph.h"
#include "tuco/core/safetensors.h"
#include "tuco/deploy/quantize.h"

namespace tuco {
class File;
}

namespace tuco::deploy {

/// The metadata entries that describe the graph, its preprocessing included, but for the constants'
/// bytes.
Metadata graph_metadata(const Graph& graph);

/// Writes a float graph, or a quantized model, as one file. Throws IoError; Error if two constants
/// share a name.
void save_graph(const std::string& path, const Graph& graph, const Metadata& more = {});
void save_model(const std::string& path, const QuantizedModel& model, const Metadata& more = {});

/// The most elements of one value of a graph in a file. More are refused, so that a file of a few
/// bytes cannot ask for all memory there is.
inline constexpr int64_t kMaxGraphValue = int64_t{1} << 28;

/// Reads what save_graph or save_model wrote, or a checkpoint with graph_metadata in it. Throws
/// IoError, or FormatError naming the file and what is wrong: every op, number and shape is checked
/// before it is used.
Graph load_graph(const std::string& path);
Graph load_graph(const File& file);
/// The model in a file that save_model wrote.
QuantizedModel load_model(const std::string& path);
QuantizedModel load_model(const File& file);

/// All that a file with a network holds: a float graph, or an int8 model with its rounding.
struct StoredNetwork {
  Graph graph;
  std::optional<Rounding> rounding;
  Metadata metadata;
};
/// Reads either. Throws as load_graph and load_model do.
StoredNetwork load_network(const File& file);

/// Whether the graph is quantized.
bool is_quantized(const Graph& graph);

}  // namespace tuco::deploy
