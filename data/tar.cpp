#include "tuco/data/tar.h"

#include <optional>

#include "tuco/core/error.h"

namespace tuco::data {
namespace {

constexpr uint64_t kBlock = 512;
/// Names and pax records longer than this are an attack, not an archive.
constexpr uint64_t kMaxMeta = uint64_t{1} << 20;

/// One header block with its fields.
struct Header {
  std::array<uint8_t, kBlock> bytes;

  std::span<const uint8_t> field(size_t at, size_t size) const {
    return std::span(bytes).subspan(at, size);
  }
  std::string text(size_t at, size_t size) const {
    const auto f = field(at, size);
    return std::string(f.begin(), std::find(f.begin(), f.end(), 0));
  }
  char type() const { return static_cast<char>(bytes[156]); }
  bool empty() const {
    return std::all_of(bytes.begin(), bytes.end(), [](uint8_t b) { return b == 0; });
  }
};

/// An octal number with blanks around it, or GNU's big-endian binary after a 0x80 byte.
std::optional<uint64_t> number(std::span<const uint8_t> field) {
  uint64_t value = 0;
  if (field[0] & 0x80) {
    for (size_t i = 0; i < field.size(); ++i) {
      if (value >> 55) return {};
      value = value << 8 | (i == 0 ? field[i] & 0x7Fu : field[i]);
    }
    return value;
  }
  size_t i = 0;
  while (i < field.size() && field[i] == ' ') ++i;
  for (; i < field.size() && field[i] != ' ' && field[i] != 0; ++i) {
    if (field[i] < '0' || field[i] > '7' || value >> 60) return {};
    value = value << 3 | uint64_t(field[i] - '0');
  }
  return value;
}

/// The sum of a header's bytes with blanks in place of the checksum itself; some old writers took
/// the bytes as signed.
bool checksum_fits(const Header& header) {
  int64_t plain = 0, with_sign = 0;
  for (size_t i = 0; i < kBlock; ++i) {
    const uint8_t byte = i >= 148 && i < 156 ? ' ' : header.bytes[i];
    plain += byte;
    with_sign += static_cast<int8_t>(byte);
  }
  const auto stored = number(header.field(148, 8));
  return stored &&
         (static_cast<int64_t>(*stored) == plain || static_cast<int64_t>(*stored) == with_sign);
}

/// What the members before a file say about it.
struct Overrides {
  std::string name;
  std::optional<uint64_t> size;
};

/// Reads "length key=value\n" records; false if they are malformed.
bool read_pax(std::string_view records, Overrides& overrides) {
  const auto decimal = [](std::string_view digits) -> std::optional<uint64_t> {
    uint64_t value = 0;
    if (digits.empty() || digits.size() > 18) return {};
    for (const char c : digits) {
      if (c < '0' || c > '9') return {};
      value = value * 10 + uint64_t(c - '0');
    }
    return value;
  };
  while (!records.empty() && records[0] != '\0') {
    const size_t blank = records.find(' ');
    if (blank == records.npos) return false;
    const auto length = decimal(records.substr(0, blank));
    if (!length || *length <= blank + 1 || *length > records.size()) return false;
    const std::string_view record = records.substr(blank + 1, *length - blank - 1);
    const size_t equals = record.find('=');
    if (equals == record.npos || record.back() != '\n') return false;
    const std::string_view key = record.substr(0, equals);
    const std::string_view value = record.substr(equals + 1, record.size() - equals - 2);
    if (key == "path") overrides.name = value;
    if (key == "size" && !(overrides.size = decimal(value))) return false;
    records.remove_prefix(*length);
  }
  return true;
}

}  // namespace

std::vector<TarEntry> list_tar(const File& archive) {
  std::vector<TarEntry> entries;
  Overrides overrides;
  uint64_t at = 0;
  const auto check = [&](bool ok, std::string_view what) {
    require<FormatError>(ok, "{}: tar: {} in the header at byte {}", archive.name(), what, at);
  };
  // Some writers leave out the two empty blocks at the end, so the end of the file is an end too.
  while (at < archive.size()) {
    Header header;
    archive.read(at, header.bytes);
    if (header.empty()) break;
    check(checksum_fits(header), "wrong checksum");
    const auto stored_size = number(header.field(124, 12));
    check(stored_size.has_value(), "malformed size");
    const char type = header.type();
    const bool plain = type == '0' || type == '\0' || type == '7';
    const uint64_t size = plain ? overrides.size.value_or(*stored_size) : *stored_size;
    const uint64_t data = at + kBlock;
    require<FormatError>(size <= archive.size() - data,
                         "{}: truncated: the member at byte {} has {} bytes, {} are left",
                         archive.name(), at, size, archive.size() - data);
    if (type == 'L' || type == 'x') {
      check(size <= kMaxMeta, "an extended name that is too long");
      const Bytes meta = archive.read(data, size);
      const std::string_view text(reinterpret_cast<const char*>(meta.data()), meta.size());
      if (type == 'L')
        overrides.name = text.substr(0, text.find('\0'));
      else
        check(read_pax(text, overrides), "malformed pax records");
    } else if (type != 'g' && type != 'K') {  // those two belong to a later member as well
      if (plain) {
        TarEntry entry{std::move(overrides.name), data, size};
        if (entry.name.empty()) {
          entry.name = header.text(0, 100);
          const std::string prefix = header.text(345, 155);
          // GNU keeps other things there, and says so in the magic.
          if (!prefix.empty() && header.text(257, 6) == "ustar")
            entry.name = prefix + '/' + entry.name;
        }
        while (entry.name.starts_with("./")) entry.name.erase(0, 2);
        if (!entry.name.ends_with('/')) entries.push_back(std::move(entry));
      }
      overrides = {};
    }
    // The last member may go without its padding.
    at = std::min(archive.size(), data + (size + kBlock - 1) / kBlock * kBlock);
  }
  require<FormatError>(overrides.name.empty() && !overrides.size,
                       "{}: truncated: it ends after the long name of a member", archive.name());
  return entries;
}

}  // namespace tuco::data
