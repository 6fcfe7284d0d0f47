#include "tuco/data/gzip.h"

#include <zlib.h>

#include "tuco/core/error.h"

namespace tuco::data {

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

File open_file(const std::filesystem::path& path) {
  const File file = File::open(path.string());
  if (file.size() < 2 || !is_gzip(file.read(0, 2))) return file;
  return File::memory(gunzip(file.read_all(), file.name()), file.name());
}

}  // namespace tuco::data
