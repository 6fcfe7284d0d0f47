#include "tuco/deploy/tflite/file_model.h"

#include <bit>
#include <cmath>
#include <cstring>

#include "tuco/core/error.h"
#include "tuco/deploy/graph_file.h"

static_assert(std::endian::native == std::endian::little, "files are read in place");

namespace tuco::tflite {
namespace {

using schema::TensorType;

/// The version of the format that every .tflite file has.
constexpr uint32_t kFormatVersion = 3;
/// The most tensors and operators of all graphs: passes over graphs may take their square in time.
constexpr size_t kMaxEntries = size_t{1} << 16;
constexpr size_t kMaxName = 120;

/// Text of the file as ASCII, of bounded length.
std::string printable(const flatbuffers::String* text) {
  if (!text) return {};
  std::string result(text->c_str(), std::min<size_t>(text->size(), kMaxName));
  for (char& c : result)
    if (c < ' ' || c > '~' || c == '"' || c == '\\') c = '_';
  return result;
}

/// Bytes of an element; 0 for types that take no whole bytes, or that constants here do not have.
size_t size_of(TensorType type) {
  switch (type) {
    case TensorType::FLOAT32:
    case TensorType::INT32:
    case TensorType::UINT32:
      return 4;
    case TensorType::FLOAT16:
    case TensorType::INT16:
    case TensorType::UINT16:
    case TensorType::BFLOAT16:
      return 2;
    case TensorType::INT64:
    case TensorType::UINT64:
    case TensorType::FLOAT64:
      return 8;
    case TensorType::UINT8:
    case TensorType::INT8:
    case TensorType::BOOL:
      return 1;
    default:
      return 0;
  }
}

template <class T>
size_t count(const flatbuffers::Vector<T>* vector) {
  return vector ? vector->size() : 0;
}

/// Element `i`. The verifier does not ask where the elements of 8 bytes lie.
int64_t element(const flatbuffers::Vector<int64_t>& vector, flatbuffers::uoffset_t i) {
  int64_t value = 0;
  std::memcpy(&value, vector.Data() + i * sizeof value, sizeof value);
  return value;
}

std::span<const int32_t> numbers(const flatbuffers::Vector<int32_t>* vector) {
  if (!vector) return {};
  return {vector->data(), vector->size()};
}

Shape shape_of(const schema::Tensor& tensor, size_t index) {
  const auto sizes = numbers(tensor.shape());
  require<FormatError>(sizes.size() <= kMaxRank, "tensor {} has {} dimensions, at most {} fit",
                       index, sizes.size(), kMaxRank);
  Shape shape;
  int64_t elements = 1;
  for (const int32_t size : sizes) {
    require<FormatError>(size >= 0, "tensor {} has the size {}", index, size);
    shape.push_back(size);
    elements *= size;  // at most the limit times 2^31
    require<FormatError>(elements <= deploy::kMaxGraphValue, "tensor {} has more than {} elements",
                         index, deploy::kMaxGraphValue);
  }
  return shape;
}

void check_indices(std::span<const int32_t> indices, size_t tensors, int lowest,
                   const std::string& whose) {
  for (const int32_t i : indices)
    require<FormatError>(i >= lowest && i < static_cast<int64_t>(tensors),
                         "{} name tensor {}, there are {}", whose, i, tensors);
}

}  // namespace

std::string TensorView::type_name() const {
  const std::string name = schema::EnumNameTensorType(type());
  return name.empty() ? fmt::format("type {}", static_cast<int>(type())) : name;
}

std::string TensorView::name() const { return printable(table->name()); }

std::optional<Quantization> TensorView::quantization() const {
  const schema::QuantizationParameters* q = table->quantization();
  const size_t scales = q ? count(q->scale()) : 0;
  if (scales == 0) return {};
  require<UnsupportedOp>(q->details_type() == schema::QuantizationDetails::NONE,
                         "tensor \"{}\" has a quantization of another kind than scales", name());
  const size_t points = count(q->zero_point());
  require<FormatError>(points == scales || points == 0,
                       "tensor \"{}\" has {} scales, {} zero points", name(), scales, points);
  Quantization result;
  if (scales > 1) {
    result.axis = q->quantized_dimension();
    require<FormatError>(result.axis >= 0 && result.axis < shape.rank() &&
                             shape[result.axis] == static_cast<int64_t>(scales),
                         "tensor \"{}\" of shape {} has {} scales along dimension {}", name(),
                         shape, scales, result.axis);
  }
  const bool is_byte = type() == TensorType::INT8, is_unsigned = type() == TensorType::UINT8;
  const int64_t low = is_byte       ? -128
                      : is_unsigned ? 0
                                    : std::numeric_limits<int32_t>::min(),
                high = is_byte       ? 127
                       : is_unsigned ? 255
                                     : std::numeric_limits<int32_t>::max();
  for (flatbuffers::uoffset_t i = 0; i < scales; ++i) {
    const float scale = q->scale()->Get(i);
    const int64_t point = points ? element(*q->zero_point(), i) : 0;
    require<FormatError>(std::isfinite(scale) && scale > 0, "tensor \"{}\" has the scale {}",
                         name(), scale);
    require<FormatError>(point >= low && point <= high, "tensor \"{}\" has the zero point {}",
                         name(), point);
    result.scale.push_back(scale);
    result.zero_point.push_back(static_cast<int32_t>(point));
  }
  return result;
}

FileModel::FileModel(const File& file) : bytes_(file.read_all()), entries_left_(kMaxEntries) {
  require<FormatError>(bytes_.size() < FLATBUFFERS_MAX_BUFFER_SIZE, "{} bytes are too many",
                       bytes_.size());
  flatbuffers::Verifier verifier(bytes_.data(), bytes_.size());
  require<FormatError>(schema::VerifyModelBuffer(verifier),
                       "no flatbuffer of a model: it is cut off, or its offsets are wrong");
  const schema::Model& model = *schema::GetModel(bytes_.data());
  require<FormatError>(model.version() == kFormatVersion, "version {} of the format, expected {}",
                       model.version(), kFormatVersion);
  const size_t graphs = count(model.subgraphs());
  require<FormatError>(graphs > 0, "no graph");
  for (flatbuffers::uoffset_t i = 0; i < graphs; ++i) read_graph(model, *model.subgraphs()->Get(i));
  require<FormatError>(!inputs().empty() && !outputs().empty(),
                       "{} inputs and {} outputs, expected at least one of each", inputs().size(),
                       outputs().size());
  read_metadata(model);
}

void FileModel::read_graph(const schema::Model& model, const schema::SubGraph& table) {
  const size_t tensors = count(table.tensors()), operators = count(table.operators());
  require<FormatError>(
      tensors <= entries_left_ && operators <= entries_left_ - tensors && entries_left_ > 0,
      "{} tensors and {} operators, at most {} are read", tensors, operators, kMaxEntries);
  entries_left_ -= tensors + operators + 1;
  GraphView graph;
  read_tensors(model, table, graph);
  graph.inputs = numbers(table.inputs());
  graph.outputs = numbers(table.outputs());
  check_indices(graph.inputs, tensors, 0, "the inputs");
  check_indices(graph.outputs, tensors, 0, "the outputs");
  read_operators(model, table, graph);
  graphs_.push_back(std::move(graph));
}

void FileModel::read_metadata(const schema::Model& model) {
  size_t bytes = 0;
  for (flatbuffers::uoffset_t i = 0; i < count(model.metadata()); ++i) {
    const schema::Metadata& entry = *model.metadata()->Get(i);
    const std::string name = printable(entry.name());
    if (!name.starts_with("tuco.")) continue;
    require<FormatError>(entry.buffer() < count(model.buffers()),
                         "metadata \"{}\" names buffer {}, there are {}", name, entry.buffer(),
                         count(model.buffers()));
    const auto* data = model.buffers()->Get(entry.buffer())->data();
    bytes += count(data);
    require<FormatError>(bytes <= bytes_.size(), "metadata share their bytes");
    if (data) metadata_[name] = std::string(data->begin(), data->end());
  }
}

void FileModel::read_tensors(const schema::Model& model, const schema::SubGraph& of_graph,
                             GraphView& graph) {
  const size_t buffers = count(model.buffers());
  for (flatbuffers::uoffset_t i = 0; i < count(of_graph.tensors()); ++i) {
    TensorView tensor{of_graph.tensors()->Get(i)};
    const schema::Tensor& table = *tensor.table;
    tensor.shape = shape_of(table, i);
    require<UnsupportedOp>(!table.sparsity(), "tensor {} (\"{}\") is sparse", i, tensor.name());
    require<UnsupportedOp>(table.external_buffer() == 0,
                           "tensor {} (\"{}\") has its bytes in another file", i, tensor.name());
    require<FormatError>(table.buffer() < std::max<size_t>(buffers, 1),
                         "tensor {} names buffer {}, there are {}", i, table.buffer(), buffers);
    if (table.buffer() > 0) {
      const schema::Buffer& buffer = *model.buffers()->Get(table.buffer());
      require<UnsupportedOp>(buffer.offset() <= 1 && buffer.size() <= 1,
                             "buffer {} has its bytes behind the flatbuffer", table.buffer());
      if (count(buffer.data()) > 0) tensor.bytes = {buffer.data()->data(), buffer.data()->size()};
      const size_t size = size_of(table.type());
      require<FormatError>(
          !tensor.is_constant() || size == 0 || tensor.bytes.size() == size * tensor.shape.numel(),
          "tensor {} (\"{}\") of {} {} has {} bytes", i, tensor.name(), tensor.type_name(),
          tensor.shape, tensor.bytes.size());
    }
    graph.tensors.push_back(tensor);
  }
}

void FileModel::read_operators(const schema::Model& model, const schema::SubGraph& table,
                               GraphView& graph) {
  const size_t codes = count(model.operator_codes());
  for (flatbuffers::uoffset_t i = 0; i < count(table.operators()); ++i) {
    OperatorView op{table.operators()->Get(i)};
    require<FormatError>(op.table->opcode_index() < codes,
                         "operator {} is of kind {}, there are {}", i, op.table->opcode_index(),
                         codes);
    const schema::OperatorCode& code = *model.operator_codes()->Get(op.table->opcode_index());
    // Files from before the wider number have it in the old field alone.
    op.code = std::max(code.builtin_code(),
                       static_cast<schema::BuiltinOperator>(code.deprecated_builtin_code()));
    op.name = op.code == schema::BuiltinOperator::CUSTOM
                  ? fmt::format("custom \"{}\"", printable(code.custom_code()))
                  : std::string(schema::EnumNameBuiltinOperator(op.code));
    if (op.name.empty()) op.name = fmt::format("number {}", static_cast<int>(op.code));
    op.inputs = numbers(op.table->inputs());
    op.outputs = numbers(op.table->outputs());
    const std::string whose = fmt::format("operator {} ({}): its tensors", i, op.name);
    check_indices(op.inputs, graph.tensors.size(), -1, whose);
    check_indices(op.outputs, graph.tensors.size(), 0, whose);
    graph.operators.push_back(std::move(op));
  }
}

}  // namespace tuco::tflite
