#include "tuco/data/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <cstdio>

#include "tuco/core/error.h"

namespace tuco::data {
namespace {

std::string system_error() { return std::strerror(errno); }

/// A file descriptor that closes itself.
struct Descriptor {
  int value = -1;
  ~Descriptor() {
    if (value >= 0) ::close(value);
  }
};

}  // namespace

struct File::Impl {
  std::string name;
  uint64_t size = 0;
  Descriptor descriptor;  // or, where it is not open:
  Bytes bytes;
};

File File::open(const std::filesystem::path& path) {
  auto impl = std::make_shared<Impl>();
  impl->name = path.string();
  impl->descriptor.value = ::open(impl->name.c_str(), O_RDONLY | O_CLOEXEC);
  require<IoError>(impl->descriptor.value >= 0, "{}: cannot open: {}", impl->name, system_error());
  struct stat status {};
  require<IoError>(::fstat(impl->descriptor.value, &status) == 0, "{}: cannot open: {}", impl->name,
                   system_error());
  require<IoError>(S_ISREG(status.st_mode), "{}: not a plain file", impl->name);
  impl->size = static_cast<uint64_t>(status.st_size);
  File file(impl);
  if (impl->size < 2 || !is_gzip(file.read(0, 2))) return file;
  return memory(gunzip(file.read_all(), impl->name), impl->name);
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

void File::read(uint64_t offset, std::span<uint8_t> out) const {
  require<FormatError>(offset <= impl_->size && out.size() <= impl_->size - offset,
                       "{}: truncated: {} bytes wanted at {}, but the file has {}", impl_->name,
                       out.size(), offset, impl_->size);
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
  require<FormatError>(offset <= impl_->size && size <= impl_->size - offset,
                       "{}: truncated: {} bytes wanted at {}, but the file has {}", impl_->name,
                       size, offset, impl_->size);
  Bytes result(size);
  read(offset, std::span<uint8_t>(result));
  return result;
}

bool is_gzip(std::span<const uint8_t> bytes) {
  return bytes.size() >= 2 && bytes[0] == 0x1F && bytes[1] == 0x8B;
}

Bytes gunzip(std::span<const uint8_t> bytes, const std::string& name, uint64_t limit) {
  struct Stream : z_stream {
    Stream() : z_stream{} { ok = inflateInit2(this, 15 + 16) == Z_OK; }
    ~Stream() {
      if (ok) inflateEnd(this);
    }
    bool ok;
  } stream;
  require<FormatError>(stream.ok, "{}: cannot start zlib", name);
  Bytes result;
  Bytes block(size_t{1} << 16);
  size_t taken = 0;
  for (;;) {
    if (stream.avail_in == 0 && taken < bytes.size()) {
      // zlib counts in 32 bits.
      const size_t count = std::min<size_t>(bytes.size() - taken, size_t{1} << 30);
      stream.next_in = const_cast<Bytef*>(bytes.data() + taken);
      stream.avail_in = static_cast<uInt>(count);
      taken += count;
    }
    stream.next_out = block.data();
    stream.avail_out = static_cast<uInt>(block.size());
    const int status = inflate(&stream, Z_NO_FLUSH);
    const size_t produced = block.size() - stream.avail_out;
    require<FormatError>(produced <= limit - result.size(), "{}: inflates to more than {} bytes",
                         name, limit);
    result.insert(result.end(), block.begin(), block.begin() + static_cast<ptrdiff_t>(produced));
    if (status == Z_STREAM_END) {
      if (stream.avail_in == 0 && taken == bytes.size()) return result;
      inflateReset(&stream);
      continue;
    }
    require<FormatError>(status != Z_BUF_ERROR, "{}: gzip: the file ends early", name);
    require<FormatError>(status == Z_OK, "{}: gzip: {}", name,
                         stream.msg ? stream.msg : "damaged data");
  }
}

void write_file(const std::filesystem::path& path, std::span<const uint8_t> bytes) {
  const std::string name = path.string();
  const std::string beside = fmt::format("{}.{}.part", name, ::getpid());
  std::FILE* file = std::fopen(beside.c_str(), "wb");
  require<IoError>(file, "{}: cannot write: {}", name, system_error());
  bool ok = std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  ok = std::fclose(file) == 0 && ok;
  ok = ok && std::rename(beside.c_str(), name.c_str()) == 0;
  if (ok) return;
  const std::string cause = system_error();
  std::remove(beside.c_str());
  fail<IoError>("{}: cannot write: {}", name, cause);
}

}  // namespace tuco::data
