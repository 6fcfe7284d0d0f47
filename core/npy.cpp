#include "tuco/core/npy.h"

#include <charconv>
#include <optional>

#include "tuco/core/elements.h"
#include "tuco/core/error.h"
#include "tuco/core/file.h"

namespace tuco {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kAlignment = 64;
constexpr uint64_t kMaxHeader = 1 << 20;

struct TypeName {
  DType dtype;
  std::string_view descr;
};
constexpr TypeName kTypes[] = {
    {DType::float32, "<f4"}, {DType::float64, "<f8"}, {DType::int8, "|i1"},  {DType::uint8, "|u1"},
    {DType::int16, "<i2"},   {DType::int32, "<i4"},   {DType::int64, "<i8"}, {DType::bool_, "|b1"}};

std::string_view descr_of(DType dtype) {
  for (const TypeName& type : kTypes)
    if (type.dtype == dtype) return type.descr;
  unsupported_dtype("save_npy", dtype);
}

struct Header {
  DType dtype = DType::float32;
  bool fortran_order = false;
  Shape shape;
};

/// Reads the one Python literal that a header is: a dict of descr, fortran_order and shape.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  Header parse() {
    std::optional<DType> dtype;
    std::optional<bool> fortran_order;
    std::optional<Shape> shape;
    expect('{');
    while (!take('}')) {
      const std::string_view key = quoted();
      expect(':');
      if (key == "descr" && !dtype) {
        dtype = type();
      } else if (key == "fortran_order" && !fortran_order) {
        fortran_order = truth();
      } else if (key == "shape" && !shape) {
        shape = tuple();
      } else {
        fail<FormatError>("{}: npy: unknown or repeated header field '{}'", file_, key);
      }
      if (take('}')) break;
      expect(',');
    }
    skip_space();
    if (position_ != text_.size()) wrong("nothing more");
    require<FormatError>(dtype && fortran_order && shape,
                         "{}: npy: the header lacks descr, fortran_order or shape", file_);
    return {*dtype, *fortran_order, *shape};
  }

 private:
  [[noreturn]] void wrong(std::string_view expected) const {
    fail<FormatError>("{}: npy: byte {} of the header: expected {}", file_, position_, expected);
  }
  void skip_space() {
    while (position_ < text_.size() && (text_[position_] == ' ' || text_[position_] == '\n'))
      ++position_;
  }
  bool take(char c) {
    skip_space();
    if (position_ == text_.size() || text_[position_] != c) return false;
    ++position_;
    return true;
  }
  void expect(char c) {
    if (!take(c)) wrong(fmt::format("'{}'", c));
  }
  std::string_view quoted() {
    const char quote = take('\'') ? '\'' : '"';
    if (quote == '"') expect('"');
    const size_t end = text_.find(quote, position_);
    if (end == text_.npos) wrong("the end of a text");
    const std::string_view result = text_.substr(position_, end - position_);
    position_ = end + 1;
    return result;
  }
  DType type() {
    skip_space();
    require<FormatError>(position_ < text_.size() && text_[position_] != '[',
                         "{}: npy: an array of records, which Tuco has no tensors of", file_);
    const std::string_view descr = quoted();
    for (const TypeName& candidate : kTypes)
      if (candidate.descr == descr) return candidate.dtype;
    fail<FormatError>("{}: npy: descr '{}', which Tuco has no tensors of", file_, descr);
  }
  bool truth() {
    skip_space();
    for (const bool value : {false, true}) {
      const std::string_view word = value ? "True" : "False";
      if (text_.substr(position_, word.size()) != word) continue;
      position_ += word.size();
      return value;
    }
    wrong("True or False");
  }
  Shape tuple() {
    Shape shape;
    bool comma = true;  // after the bracket, or after a size
    expect('(');
    while (!take(')')) {
      if (!comma) wrong("','");
      uint64_t size = 0;
      const auto [end, error] =
          std::from_chars(text_.data() + position_, text_.data() + text_.size(), size);
      if (error != std::errc{}) wrong("a size or ')'");
      require<FormatError>(shape.rank() < kMaxRank && size <= kMaxElements,
                           "{}: npy: a shape beyond {} dimensions of {}", file_, kMaxRank,
                           kMaxElements);
      position_ = static_cast<size_t>(end - text_.data());
      shape.push_back(static_cast<int64_t>(size));
      comma = take(',');
    }
    if (shape.rank() == 1 && !comma) wrong("a tuple, as in (3,)");
    return shape;
  }

  std::string_view text_;
  const std::string& file_;
  size_t position_ = 0;
};

Shape reversed(const Shape& shape) {
  Shape result;
  for (int i = shape.rank() - 1; i >= 0; --i) result.push_back(shape[i]);
  return result;
}

}  // namespace

void save_npy(const std::string& path, const Tensor& tensor) {
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}",
                                   descr_of(tensor.dtype()), tensor.shape());
  const size_t before = kMagic.size() + 4;
  const size_t whole = (before + header.size() + 1 + kAlignment - 1) / kAlignment * kAlignment;
  header.resize(whole - before - 1, ' ');
  header += '\n';

  NewFile file(path);
  file.write(kMagic);
  const uint8_t version_and_length[] = {1, 0, static_cast<uint8_t>(header.size() & 0xFF),
                                        static_cast<uint8_t>(header.size() >> 8)};
  file.write(version_and_length);
  file.write(header);
  write_elements(file, tensor);
  file.commit();
}

Tensor load_npy(const std::string& path) { return load_npy(File::open(path)); }

Tensor load_npy(const File& file) {
  const Bytes start = file.read(0, kMagic.size() + 2);
  require<FormatError>(std::equal(kMagic.begin(), kMagic.end(), start.begin(),
                                  [](char a, uint8_t b) { return static_cast<uint8_t>(a) == b; }),
                       "{}: npy: does not begin as one", file.name());
  const int version = start[kMagic.size()];
  require<FormatError>(version >= 1 && version <= 3, "{}: npy: version {}, known are 1 to 3",
                       file.name(), version);
  const uint64_t length_bytes = version == 1 ? 2 : 4;
  const Bytes digits = file.read(start.size(), length_bytes);
  uint64_t length = 0;
  for (size_t i = 0; i < digits.size(); ++i) length |= uint64_t{digits[i]} << (8 * i);
  require<FormatError>(length <= kMaxHeader, "{}: npy: a header of {} bytes, more than {}",
                       file.name(), length, kMaxHeader);
  const uint64_t header_at = start.size() + length_bytes;
  const Bytes text = file.read(header_at, length);
  const Header header =
      HeaderParser({reinterpret_cast<const char*>(text.data()), text.size()}, file.name()).parse();

  const auto bytes = checked_bytes(header.shape, header.dtype);
  const uint64_t there = file.size() - header_at - length;
  require<FormatError>(bytes.has_value(), "{}: npy: an array of shape {} is too large", file.name(),
                       header.shape);
  require<FormatError>(*bytes == there, "{}: npy: {} bytes of data, shape {} and {} want {}",
                       file.name(), there, header.shape, header.dtype, *bytes);
  Tensor tensor = empty(header.fortran_order ? reversed(header.shape) : header.shape,
                        {header.dtype, Device::cpu()});
  read_elements(file, header_at + length, tensor, "npy");
  if (!header.fortran_order) return tensor;
  return dense(
      Tensor(tensor.storage(), {header.shape, reversed(tensor.strides()), 0}, header.dtype));
}

}  // namespace tuco
