// Files: bytes that are read at any place without ever reading past the end, and files written so
// that a failure leaves the old one whole. Errors name the file and the cause.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tuco {

using Bytes = std::vector<uint8_t>;

/// An open file, or bytes in memory that go by a file's name; a handle, copies share. Reading is
/// safe from several threads at once.
class File {
 public:
  /// Opens a plain file. Throws IoError if it cannot be opened or is a folder, a device or a pipe.
  static File open(const std::string& path);
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
  void check_range(uint64_t offset, uint64_t size) const;
  std::shared_ptr<const Impl> impl_;
};

/// A file in the making: bytes go into a file beside it, which takes its place on commit().
/// Destroyed before that, it leaves everything as it was.
class NewFile {
 public:
  /// Throws IoError if the folder cannot be written, or if `path` is there and no plain file.
  explicit NewFile(const std::string& path);
  ~NewFile();
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  /// Appends. Throws IoError, a full disk among its causes.
  void write(std::span<const uint8_t> bytes);
  void write(std::string_view text);
  /// Puts the new file in the place of an old one, if there is one, in one step. Throws IoError.
  void commit();

 private:
  std::string path_, beside_;
  int descriptor_ = -1;
};

/// Writes a whole file, as NewFile does.
void write_file(const std::string& path, std::span<const uint8_t> bytes);
void write_file(const std::string& path, std::string_view text);

}  // namespace tuco
