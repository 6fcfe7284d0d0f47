#include "tuco/core/safetensors.h"

#include <bit>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <set>

#include "tuco/core/elements.h"
#include "tuco/core/error.h"
#include "tuco/core/file.h"

namespace tuco {
namespace {

static_assert(std::endian::native == std::endian::little, "the formats are little-endian");

constexpr const char* kMetadataKey = "__metadata__";
constexpr uint64_t kLengthBytes = 8;
// The limit that the reference implementation sets for the JSON header.
constexpr uint64_t kMaxHeader = 100'000'000;

struct TypeName {
  DType dtype;
  std::string_view name;
};
constexpr TypeName kTypes[] = {{DType::float32, "F32"}, {DType::float64, "F64"},
                               {DType::int8, "I8"},     {DType::uint8, "U8"},
                               {DType::int16, "I16"},   {DType::int32, "I32"},
                               {DType::int64, "I64"},   {DType::bool_, "BOOL"}};

std::string_view format_name(DType dtype) {
  for (const TypeName& type : kTypes)
    if (type.dtype == dtype) return type.name;
  unsupported_dtype("save_safetensors", dtype);
}

struct Entry {
  std::string name;
  std::optional<DType> dtype;
  std::optional<Shape> shape;
  std::vector<uint64_t> offsets;  // where its bytes begin and end
};

/// Reads the header's JSON as it is parsed, so that a crafted one is refused at its first wrong
/// token, before it can take memory.
class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit HeaderReader(const std::string& file) : file_(file) {}

  std::vector<Entry> entries;
  Metadata metadata;

  bool start_object(size_t) override {
    if (level_ == Level::outside) {
      level_ = Level::top;
    } else if (level_ == Level::top) {
      level_ = key_ == kMetadataKey ? Level::metadata : Level::entry;
      seen_.clear();
      if (level_ == Level::entry)
        entries.push_back({.name = key_, .dtype = {}, .shape = {}, .offsets = {}});
    } else {
      unexpected("an object");
    }
    return true;
  }

  bool key(string_t& name) override {
    auto& names = level_ == Level::top ? top_names_ : seen_;
    require<FormatError>(names.insert(name).second, "{}: safetensors: '{}' is there twice", file_,
                         name);
    require<FormatError>(
        level_ != Level::entry || name == "dtype" || name == "shape" || name == "data_offsets",
        "{}: safetensors: tensor '{}' has an unknown field '{}'", file_, current(), name);
    key_ = name;
    return true;
  }

  bool end_object() override {
    if (level_ == Level::entry) {
      const Entry& entry = entries.back();
      require<FormatError>(
          entry.dtype && entry.shape && entry.offsets.size() == 2,
          "{}: safetensors: tensor '{}' lacks its dtype, shape or two data_offsets", file_,
          entry.name);
    }
    level_ = level_ == Level::top ? Level::outside : Level::top;
    return true;
  }

  bool string(string_t& text) override {
    if (level_ == Level::metadata) {
      metadata.emplace(key_, std::move(text));
      return true;
    }
    if (level_ != Level::entry || key_ != "dtype") unexpected("a text");
    for (const TypeName& type : kTypes)
      if (type.name == text) entries.back().dtype = type.dtype;
    require<FormatError>(
        entries.back().dtype.has_value(),
        "{}: safetensors: tensor '{}' has dtype '{}', which Tuco has no tensors of", file_,
        current(), text);
    return true;
  }

  bool start_array(size_t) override {
    if (level_ != Level::entry || key_ == "dtype") unexpected("a list");
    level_ = Level::list;
    if (key_ == "shape") entries.back().shape.emplace();
    return true;
  }

  bool end_array() override {
    level_ = Level::entry;
    return true;
  }

  bool number_unsigned(number_unsigned_t number) override {
    if (level_ != Level::list) unexpected("a number");
    if (key_ == "shape") {
      Shape& shape = *entries.back().shape;
      require<FormatError>(shape.rank() < kMaxRank && number <= kMaxElements,
                           "{}: safetensors: tensor '{}' has a shape beyond {} dimensions of {}",
                           file_, current(), kMaxRank, kMaxElements);
      shape.push_back(static_cast<int64_t>(number));
    } else {
      require<FormatError>(entries.back().offsets.size() < 2,
                           "{}: safetensors: tensor '{}' has more than two data_offsets", file_,
                           current());
      entries.back().offsets.push_back(number);
    }
    return true;
  }

  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("a truth value"); }
  bool number_integer(number_integer_t) override { return unexpected("a negative number"); }
  bool number_float(number_float_t, const string_t&) override { return unexpected("a fraction"); }
  bool binary(binary_t&) override { return unexpected("binary data"); }
  bool parse_error(size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    fail<FormatError>("{}: safetensors: the header is no JSON at byte {}: {}", file_, position,
                      error.what());
  }

 private:
  enum class Level { outside, top, metadata, entry, list };

  /// The tensor being read, for errors.
  std::string_view current() const {
    return entries.empty() ? std::string_view() : entries.back().name;
  }
  bool unexpected(std::string_view what) const {
    fail<FormatError>("{}: safetensors: {} where the header's '{}' cannot have one", file_, what,
                      key_);
  }

  const std::string& file_;
  Level level_ = Level::outside;
  std::string key_;
  std::set<std::string> top_names_, seen_;
};

/// Checks that the entries' bytes follow each other without gap or overlap and fill the data.
void check_places(const std::string& file, const std::vector<Entry>& entries, uint64_t data_bytes) {
  std::vector<const Entry*> order;
  for (const Entry& entry : entries) order.push_back(&entry);
  std::sort(order.begin(), order.end(),
            [](const Entry* a, const Entry* b) { return a->offsets < b->offsets; });
  uint64_t end = 0;
  for (const Entry* entry : order) {
    const auto bytes = checked_bytes(*entry->shape, *entry->dtype);
    require<FormatError>(bytes.has_value(), "{}: safetensors: tensor '{}' of shape {} is too large",
                         file, entry->name, *entry->shape);
    require<FormatError>(entry->offsets[0] == end,
                         "{}: safetensors: tensor '{}' begins at byte {} of the data, expected {}",
                         file, entry->name, entry->offsets[0], end);
    require<FormatError>(
        entry->offsets[1] >= end && entry->offsets[1] - end == *bytes,
        "{}: safetensors: tensor '{}' of shape {} and {} ends at byte {}, expected {}", file,
        entry->name, *entry->shape, *entry->dtype, entry->offsets[1], end + *bytes);
    end = entry->offsets[1];
    require<FormatError>(end <= data_bytes,
                         "{}: safetensors: truncated: tensor '{}' ends at byte {} of {} of data",
                         file, entry->name, end, data_bytes);
  }
  require<FormatError>(end == data_bytes,
                       "{}: safetensors: the tensors end at byte {} of {} of data", file, end,
                       data_bytes);
}

nlohmann::json json_text(const std::string& text) {
  try {
    nlohmann::json value = text;
    (void)value.dump();
    return value;
  } catch (const nlohmann::json::exception& error) {
    fail<Error>("save_safetensors: a name or text that is not UTF-8: {}", error.what());
  }
}

}  // namespace

const Tensor* Safetensors::find(const std::string& name) const {
  for (const auto& [candidate, tensor] : tensors)
    if (candidate == name) return &tensor;
  return nullptr;
}

void save_safetensors(const std::string& path, const NamedTensors& tensors,
                      const Metadata& metadata) {
  // Wider types first: then every tensor is aligned to its elements.
  std::vector<size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return size_of(tensors[a].second.dtype()) > size_of(tensors[b].second.dtype());
  });
  std::vector<std::array<uint64_t, 2>> offsets(tensors.size());
  uint64_t end = 0;
  for (const size_t i : order) {
    const Tensor& tensor = tensors[i].second;
    offsets[i][0] = end;
    end += static_cast<uint64_t>(tensor.numel()) * size_of(tensor.dtype());
    offsets[i][1] = end;
  }

  std::string header = "{";
  const auto add = [&](const std::string& name, const std::string& value) {
    header += fmt::format("{}{}:{}", header.size() > 1 ? "," : "", json_text(name).dump(), value);
  };
  if (!metadata.empty()) {
    nlohmann::json texts = nlohmann::json::object();
    for (const auto& [key, value] : metadata) {
      json_text(key);
      texts[key] = json_text(value);
    }
    add(kMetadataKey, texts.dump());
  }
  std::set<std::string> names;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const auto& [name, tensor] = tensors[i];
    require<Error>(!name.empty() && name != kMetadataKey && names.insert(name).second,
                   "save_safetensors: the name '{}' is empty, reserved or there twice", name);
    const std::vector<int64_t> shape(tensor.shape().begin(), tensor.shape().end());
    add(name, fmt::format(R"({{"dtype":"{}","shape":{},"data_offsets":[{},{}]}})",
                          format_name(tensor.dtype()), nlohmann::json(shape).dump(), offsets[i][0],
                          offsets[i][1]));
  }
  header += '}';
  header.resize((header.size() + 7) / 8 * 8, ' ');

  NewFile file(path);
  const uint64_t length = header.size();
  file.write({reinterpret_cast<const uint8_t*>(&length), sizeof length});
  file.write(header);
  for (const size_t i : order) write_elements(file, tensors[i].second);
  file.commit();
}

Safetensors load_safetensors(const std::string& path) { return load_safetensors(File::open(path)); }

Safetensors load_safetensors(const File& file) {
  uint64_t length = 0;
  file.read(0, {reinterpret_cast<uint8_t*>(&length), sizeof length});
  require<FormatError>(length <= kMaxHeader, "{}: safetensors: a header of {} bytes, more than {}",
                       file.name(), length, kMaxHeader);
  const Bytes header = file.read(kLengthBytes, length);
  require<FormatError>(!header.empty() && header.front() == '{',
                       "{}: safetensors: the header does not begin with '{{'", file.name());
  HeaderReader reader(file.name());
  nlohmann::json::sax_parse(header, &reader);
  const uint64_t data = kLengthBytes + length;
  check_places(file.name(), reader.entries, file.size() - data);

  Safetensors result;
  result.metadata = std::move(reader.metadata);
  for (const Entry& entry : reader.entries) {
    Tensor tensor = empty(*entry.shape, {*entry.dtype, Device::cpu()});
    read_elements(file, data + entry.offsets[0], tensor,
                  fmt::format("safetensors: tensor '{}'", entry.name));
    result.tensors.emplace_back(entry.name, std::move(tensor));
  }
  return result;
}

std::string mismatches(const NamedTensors& given, const NamedTensors& wanted) {
  std::map<std::string_view, const Tensor*> by_name;
  std::vector<std::string> found;
  for (const auto& [name, tensor] : given)
    if (!by_name.emplace(name, &tensor).second)
      found.push_back(fmt::format("{} is there twice", name));
  for (const auto& [name, tensor] : wanted) {
    const auto entry = by_name.extract(name);
    if (!entry || !entry.mapped()->defined())
      found.push_back(fmt::format("{} {} is missing", name, tensor.shape()));
    else if (entry.mapped()->shape() != tensor.shape())
      found.push_back(fmt::format("{} has shape {}, expected {}", name, entry.mapped()->shape(),
                                  tensor.shape()));
    else if (entry.mapped()->dtype() != tensor.dtype())
      found.push_back(
          fmt::format("{} is {}, expected {}", name, entry.mapped()->dtype(), tensor.dtype()));
  }
  for (const auto& [name, tensor] : by_name) found.push_back(fmt::format("{} is unexpected", name));
  return fmt::format("{}", fmt::join(found, "; "));
}

}  // namespace tuco
