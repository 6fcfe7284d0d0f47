#include "tuco/core/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "tuco/core/error.h"

namespace tuco {
namespace {

std::string system_error() { return std::strerror(errno); }

struct Descriptor {
  int value = -1;
  ~Descriptor() {
    if (value >= 0) ::close(value);
  }
};

/// What a chain of links ends at, so that replacing it keeps the links.
std::string behind_links(const std::string& path) {
  char* resolved = ::realpath(path.c_str(), nullptr);
  if (!resolved) return path;
  std::string result = resolved;
  std::free(resolved);
  return result;
}

std::span<const uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

}  // namespace

struct File::Impl {
  std::string name;
  uint64_t size = 0;
  Descriptor descriptor;  // or, where it is not open:
  Bytes bytes;
};

File File::open(const std::string& path) {
  auto impl = std::make_shared<Impl>();
  impl->name = path;
  // Without waiting for the other end, should it be a pipe.
  impl->descriptor.value = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat status {};
  require<IoError>(impl->descriptor.value >= 0 && ::fstat(impl->descriptor.value, &status) == 0,
                   "{}: cannot open: {}", path, system_error());
  require<IoError>(S_ISREG(status.st_mode), "{}: not a plain file", path);
  impl->size = static_cast<uint64_t>(status.st_size);
  return File(impl);
}

File File::memory(Bytes bytes, std::string name) {
  auto impl = std::make_shared<Impl>();
  impl->name = std::move(name);
  impl->size = bytes.size();
  impl->bytes = std::move(bytes);
  return File(impl);
}

uint64_t File::size() const { return impl_->size; }
const std::string& File::name() const { return impl_->name; }

void File::check_range(uint64_t offset, uint64_t size) const {
  require<FormatError>(offset <= impl_->size && size <= impl_->size - offset,
                       "{}: truncated: {} bytes wanted at {}, but the file has {}", impl_->name,
                       size, offset, impl_->size);
}

void File::read(uint64_t offset, std::span<uint8_t> out) const {
  check_range(offset, out.size());
  if (impl_->descriptor.value < 0) {
    std::copy_n(impl_->bytes.begin() + static_cast<ptrdiff_t>(offset), out.size(), out.begin());
    return;
  }
  size_t done = 0;
  while (done < out.size()) {
    const ssize_t count = ::pread(impl_->descriptor.value, out.data() + done, out.size() - done,
                                  static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    require<IoError>(count >= 0, "{}: cannot read: {}", impl_->name, system_error());
    require<IoError>(count > 0, "{}: became shorter while it was read", impl_->name);
    done += static_cast<size_t>(count);
  }
}

Bytes File::read(uint64_t offset, uint64_t size) const {
  check_range(offset, size);
  Bytes result(size);
  read(offset, std::span<uint8_t>(result));
  return result;
}

NewFile::NewFile(const std::string& path) : path_(behind_links(path)) {
  static std::atomic<unsigned> count = 0;
  struct stat status {};
  mode_t mode = 0666;
  if (::stat(path_.c_str(), &status) == 0) {
    require<IoError>(S_ISREG(status.st_mode), "{}: cannot write: there, and not a plain file",
                     path);
    mode = status.st_mode & 0777;
  }
  beside_ = fmt::format("{}.{}.{}.part", path_, ::getpid(), count++);
  descriptor_ = ::open(beside_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  require<IoError>(descriptor_ >= 0, "{}: cannot write: {}", path, system_error());
}

NewFile::~NewFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(beside_.c_str());
}

void NewFile::write(std::span<const uint8_t> bytes) {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = ::write(descriptor_, bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    require<IoError>(count >= 0, "{}: cannot write: {}", path_, system_error());
    done += static_cast<size_t>(count);
  }
}

void NewFile::write(std::string_view text) { write(bytes_of(text)); }

void NewFile::commit() {
  // The bytes are on the disk before the name is: a power cut leaves one of the two files whole.
  const bool ok = ::fsync(descriptor_) == 0 && ::rename(beside_.c_str(), path_.c_str()) == 0;
  require<IoError>(ok, "{}: cannot write: {}", path_, system_error());
  ::close(descriptor_);
  descriptor_ = -1;
}

void write_file(const std::string& path, std::span<const uint8_t> bytes) {
  NewFile file(path);
  file.write(bytes);
  file.commit();
}

void write_file(const std::string& path, std::string_view text) {
  write_file(path, bytes_of(text));
}

}  // namespace tuco
