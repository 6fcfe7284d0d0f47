// Files as the readers of this folder see them: bytes that can be read at any place, from several
// threads, without ever reading past the end; and files written so that a failure leaves the old
// one whole.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace tuco::data {

using Bytes = std::vector<uint8_t>;

/// An open file, or bytes in memory that go by a file's name; a handle, copies share. Reading is
/// safe from several threads at once.
class File {
 public:
  /// Opens a plain file; one that starts with the gzip signature is inflated into memory. Throws
  /// IoError if it cannot be opened, FormatError if its gzip stream is damaged.
  static File open(const std::filesystem::path& path);
  /// Bytes in memory; `name` stands for them in errors.
  static File memory(Bytes bytes, std::string name);

  uint64_t size() const;
  const std::string& name() const;
  /// Fills `out` from `offset` on. Throws FormatError if the file ends before, IoError if the
  /// system cannot read it.
  void read(uint64_t offset, std::span<uint8_t> out) const;
  /// `size` bytes from `offset` on; throws as above, before any memory is taken.
  Bytes read(uint64_t offset, uint64_t size) const;
  /// The whole file.
  Bytes read_all() const { return read(0, size()); }

 private:
  struct Impl;
  explicit File(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

/// Whether the bytes start with the gzip signature.
bool is_gzip(std::span<const uint8_t> bytes);

/// Inflates a gzip stream (several members follow each other as in gzip itself). Throws FormatError
/// naming `name` if it is damaged, ends early, or gives more than `limit` bytes.
Bytes gunzip(std::span<const uint8_t> bytes, const std::string& name,
             uint64_t limit = uint64_t{1} << 34);

/// Writes a file beside `path` and renames it, so that a failure leaves an old one whole. Throws
/// IoError naming the path.
void write_file(const std::filesystem::path& path, std::span<const uint8_t> bytes);

}  // namespace tuco::data
