// A .tflite file after verification: every offset, index, size and length in it was checked, so
// that what reads it further has only the meaning of operators to look after. The file's own
// numbers are seen in place; what may be long and shared by many (names, scales) is copied on use.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include <tuco_tflite/schema_generated.h>

#include "tuco/core/file.h"
#include "tuco/core/quantization.h"
#include "tuco/core/safetensors.h"
#include "tuco/core/shape.h"

namespace tuco::tflite {

/// A tensor of the file.
struct TensorView {
  const schema::Tensor* table = nullptr;
  Shape shape;
  /// The bytes of a constant; none for others. Their number is that of shape and type.
  std::span<const uint8_t> bytes = {};

  schema::TensorType type() const { return table->type(); }
  /// "FLOAT32", "INT8", ... as the format calls it.
  std::string type_name() const;
  /// In ASCII, and cut where it is long.
  std::string name() const;
  bool is_constant() const { return !bytes.empty(); }
  /// Scales and zero points, if there are any: one, or one for each index of a dimension. Throws
  /// FormatError unless scales are positive and finite, zero points those of the type, and their
  /// numbers that of the dimension; UnsupportedOp for a quantization of another kind.
  std::optional<Quantization> quantization() const;
};

/// An operator of the file. Inputs are indices of tensors, or -1 for one that is left out.
struct OperatorView {
  const schema::Operator* table = nullptr;
  schema::BuiltinOperator code = schema::BuiltinOperator::ADD;
  /// "CONV_2D", "custom \"X\"", or "number 200".
  std::string name;
  std::span<const int32_t> inputs = {}, outputs = {};
};

/// A graph of the file.
struct GraphView {
  std::vector<TensorView> tensors;
  std::vector<OperatorView> operators;
  std::span<const int32_t> inputs = {}, outputs = {};
};

/// The network of a file, and the graphs that its operators name.
class FileModel {
 public:
  /// Throws FormatError for anything wrong, UnsupportedOp for bytes that lie outside the
  /// flatbuffer.
  explicit FileModel(const File& file);

  int64_t size() const { return static_cast<int64_t>(bytes_.size()); }
  /// All graphs; the first is the network.
  const std::vector<GraphView>& graphs() const { return graphs_; }
  const std::vector<TensorView>& tensors() const { return graphs_[0].tensors; }
  const std::vector<OperatorView>& operators() const { return graphs_[0].operators; }
  std::span<const int32_t> inputs() const { return graphs_[0].inputs; }
  std::span<const int32_t> outputs() const { return graphs_[0].outputs; }
  /// The texts under keys of Tuco's ("tuco.NAME").
  const Metadata& metadata() const { return metadata_; }

 private:
  void read_graph(const schema::Model& model, const schema::SubGraph& table);
  void read_tensors(const schema::Model& model, const schema::SubGraph& of_graph, GraphView& graph);
  void read_operators(const schema::Model& model, const schema::SubGraph& table, GraphView& graph);
  void read_metadata(const schema::Model& model);

  Bytes bytes_;
  std::vector<GraphView> graphs_;
  /// Tensors and operators that may still be read.
  size_t entries_left_;
  Metadata metadata_;
};

}  // namespace tuco::tflite
