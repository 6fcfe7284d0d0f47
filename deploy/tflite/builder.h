// A .tflite file in the making: tensors, operators and their attributes go in, bytes come out.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <tuco_tflite/schema_generated.h>

#include "tuco/core/file.h"
#include "tuco/core/quantization.h"
#include "tuco/core/tensor.h"

namespace tuco::tflite {

/// An operator's attributes, written.
struct OptionsOffset {
  schema::BuiltinOptions type = schema::BuiltinOptions::NONE;
  flatbuffers::Offset<void> offset = {};
};

class Builder {
 public:
  Builder();

  /// Adds a tensor that is computed, and returns its index. A variable stays as it is from run to
  /// run.
  int add_tensor(const std::string& name, schema::TensorType type, const Shape& shape,
                 const std::optional<Quantization>& quantization, bool is_variable = false);
  /// Adds a constant of float32, int8, int16 or int32.
  int add_constant(const std::string& name, const Tensor& tensor,
                   const std::optional<Quantization>& quantization = {});
  /// Writes an operator's attributes: add_options(schema::CreateAddOptions, activation, ...).
  template <class Options, class... Field>
  OptionsOffset add_options(flatbuffers::Offset<Options> (*create)(flatbuffers::FlatBufferBuilder&,
                                                                   Field...),
                            std::type_identity_t<Field>... fields) {
    return {schema::BuiltinOptionsTraits<Options>::enum_value, create(builder_, fields...).Union()};
  }
  /// Writes a list that is an attribute, for add_options.
  flatbuffers::Offset<flatbuffers::Vector<int32_t>> add_list(const std::vector<int32_t>& numbers) {
    return builder_.CreateVector(numbers);
  }
  flatbuffers::Offset<flatbuffers::String> add_text(const std::string& text) {
    return builder_.CreateString(text);
  }
  /// Adds an operator; `version` is the first of the format's versions of it that has all it uses.
  /// `intermediates` are tensors whose scales are attributes of the operator.
  void add_operator(schema::BuiltinOperator code, int version, const std::vector<int>& inputs,
                    const std::vector<int>& outputs, const OptionsOffset& options = {},
                    const std::vector<int>& intermediates = {});
  /// Ends a graph, of which the first is the network, and begins another one.
  void end_graph(const std::vector<int>& inputs, const std::vector<int>& outputs);
  /// Adds an entry of metadata.
  void add_metadata(const std::string& name, const std::string& text);

  /// Ends the last graph, and gives the whole file.
  Bytes finish(const std::vector<int>& inputs, const std::vector<int>& outputs);

 private:
  /// The index of a buffer with these bytes, which may be shared.
  uint32_t buffer_of(Bytes bytes);
  uint32_t code_of(schema::BuiltinOperator code, int version);

  flatbuffers::FlatBufferBuilder builder_;
  std::map<Bytes, uint32_t> buffers_;
  std::map<std::pair<schema::BuiltinOperator, int>, uint32_t> codes_;
  size_t bytes_ = 0;
  std::vector<flatbuffers::Offset<schema::Buffer>> buffer_tables_;
  std::vector<flatbuffers::Offset<schema::OperatorCode>> code_tables_;
  std::vector<flatbuffers::Offset<schema::Tensor>> tensors_;
  std::vector<flatbuffers::Offset<schema::Operator>> operators_;
  std::vector<flatbuffers::Offset<schema::SubGraph>> graphs_;
  std::vector<flatbuffers::Offset<schema::Metadata>> metadata_;
};

}  // namespace tuco::tflite
