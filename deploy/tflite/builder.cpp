#include "tuco/deploy/tflite/builder.h"

#include <cstring>

#include "tuco/core/error.h"

namespace tuco::tflite {
namespace {

constexpr uint32_t kFormatVersion = 3;
/// Runtimes read constants in place, with vectors.
constexpr size_t kAlignment = 16;
/// Codes from here on are in the wider field alone.
constexpr int kFirstWideCode = 127;
/// Offsets have 31 bits; tables take what the constants leave.
constexpr size_t kMaxConstants = (size_t{1} << 31) - (size_t{1} << 27);

schema::TensorType type_of(DType dtype) {
  switch (dtype) {
    case DType::float32:
      return schema::TensorType::FLOAT32;
    case DType::int8:
      return schema::TensorType::INT8;
    case DType::int16:
      return schema::TensorType::INT16;
    case DType::int32:
      return schema::TensorType::INT32;
    default:
      fail<UnsupportedOp>("a constant of {}", dtype);
  }
}

flatbuffers::Offset<schema::QuantizationParameters> write(flatbuffers::FlatBufferBuilder& builder,
                                                          const Quantization& quantization) {
  const auto scale = builder.CreateVector(quantization.scale);
  const auto zero_point = builder.CreateVector(
      std::vector<int64_t>(quantization.zero_point.begin(), quantization.zero_point.end()));
  schema::QuantizationParametersBuilder table(builder);
  table.add_scale(scale);
  table.add_zero_point(zero_point);
  table.add_quantized_dimension(std::max(quantization.axis, 0));
  return table.Finish();
}

flatbuffers::Offset<schema::Tensor> write(flatbuffers::FlatBufferBuilder& builder,
                                          const std::string& name, schema::TensorType type,
                                          const Shape& shape, uint32_t buffer,
                                          const std::optional<Quantization>& quantization,
                                          bool is_variable = false) {
  const auto sizes = builder.CreateVector(std::vector<int32_t>(shape.begin(), shape.end()));
  const auto text = builder.CreateString(name);
  flatbuffers::Offset<schema::QuantizationParameters> parameters;
  if (quantization) parameters = write(builder, *quantization);
  schema::TensorBuilder table(builder);
  table.add_shape(sizes);
  table.add_type(type);
  table.add_buffer(buffer);
  table.add_name(text);
  if (quantization) table.add_quantization(parameters);
  table.add_is_variable(is_variable);
  table.add_has_rank(true);
  return table.Finish();
}

}  // namespace

Builder::Builder() {
  // Buffer 0 is that of all tensors that are computed.
  buffer_tables_.push_back(schema::CreateBuffer(builder_));
}

int Builder::add_tensor(const std::string& name, schema::TensorType type, const Shape& shape,
                        const std::optional<Quantization>& quantization, bool is_variable) {
  for (const int64_t size : shape)
    require<UnsupportedOp>(size <= std::numeric_limits<int32_t>::max(), "a size of {}", size);
  tensors_.push_back(write(builder_, name, type, shape, 0, quantization, is_variable));
  return static_cast<int>(tensors_.size()) - 1;
}

int Builder::add_constant(const std::string& name, const Tensor& tensor,
                          const std::optional<Quantization>& quantization) {
  const schema::TensorType type = type_of(tensor.dtype());
  const Tensor plain = dense(tensor);
  Bytes bytes(static_cast<size_t>(plain.numel()) * size_of(plain.dtype()));
  require<UnsupportedOp>(!bytes.empty(), "constant \"{}\" of shape {} is empty", name,
                         plain.shape());
  std::memcpy(bytes.data(), plain.raw(), bytes.size());
  const uint32_t buffer = buffer_of(std::move(bytes));
  tensors_.push_back(write(builder_, name, type, plain.shape(), buffer, quantization));
  return static_cast<int>(tensors_.size()) - 1;
}

uint32_t Builder::buffer_of(Bytes bytes) {
  const auto [found, is_new] =
      buffers_.emplace(std::move(bytes), static_cast<uint32_t>(buffer_tables_.size()));
  if (is_new) {
    const Bytes& kept = found->first;
    bytes_ += kept.size();
    require<UnsupportedOp>(bytes_ <= kMaxConstants, "constants of more than {} bytes",
                           kMaxConstants);
    builder_.ForceVectorAlignment(kept.size(), 1, kAlignment);
    const auto data = builder_.CreateVector(kept);
    buffer_tables_.push_back(schema::CreateBuffer(builder_, data));
  }
  return found->second;
}

uint32_t Builder::code_of(schema::BuiltinOperator code, int version) {
  const auto [found, is_new] =
      codes_.emplace(std::pair(code, version), static_cast<uint32_t>(code_tables_.size()));
  if (is_new)
    code_tables_.push_back(schema::CreateOperatorCode(
        builder_, static_cast<int8_t>(std::min(static_cast<int>(code), kFirstWideCode)), 0, version,
        code));
  return found->second;
}

void Builder::add_operator(schema::BuiltinOperator code, int version,
                           const std::vector<int>& inputs, const std::vector<int>& outputs,
                           const OptionsOffset& options, const std::vector<int>& intermediates) {
  const uint32_t index = code_of(code, version);
  const auto in = builder_.CreateVector(inputs), out = builder_.CreateVector(outputs);
  flatbuffers::Offset<flatbuffers::Vector<int32_t>> between;
  if (!intermediates.empty()) between = builder_.CreateVector(intermediates);
  operators_.push_back(schema::CreateOperator(builder_, index, in, out, options.type,
                                              options.offset, 0, 0, 0, between));
}

void Builder::end_graph(const std::vector<int>& inputs, const std::vector<int>& outputs) {
  const auto tensors = builder_.CreateVector(tensors_);
  const auto in = builder_.CreateVector(inputs), out = builder_.CreateVector(outputs);
  const auto operators = builder_.CreateVector(operators_);
  const auto name = builder_.CreateString(graphs_.empty() ? "main" : "initial");
  graphs_.push_back(schema::CreateSubGraph(builder_, tensors, in, out, operators, name));
  tensors_.clear();
  operators_.clear();
}

void Builder::add_metadata(const std::string& name, const std::string& text) {
  if (text.empty()) return;  // an entry without bytes would be none
  const uint32_t buffer = buffer_of(Bytes(text.begin(), text.end()));
  metadata_.push_back(schema::CreateMetadata(builder_, builder_.CreateString(name), buffer));
}

Bytes Builder::finish(const std::vector<int>& inputs, const std::vector<int>& outputs) {
  end_graph(inputs, outputs);
  const auto graphs = builder_.CreateVector(graphs_);
  const auto codes = builder_.CreateVector(code_tables_);
  const auto description = builder_.CreateString("Tuco");
  const auto buffers = builder_.CreateVector(buffer_tables_);
  const auto metadata = builder_.CreateVector(metadata_);
  schema::FinishModelBuffer(builder_, schema::CreateModel(builder_, kFormatVersion, codes, graphs,
                                                          description, buffers, 0, metadata));
  return {builder_.GetBufferPointer(), builder_.GetBufferPointer() + builder_.GetSize()};
}

}  // namespace tuco::tflite
