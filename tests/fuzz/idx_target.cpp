// IDX arrays, plain and in gzip.
#include <zlib.h>

#include "tests/fuzz/target.h"
#include "tuco/core/error.h"
#include "tuco/data/gzip.h"
#include "tuco/data/idx.h"

namespace tuco::fuzz {
namespace {

Bytes gzip_of(const Bytes& bytes) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  Bytes result(deflateBound(&stream, bytes.size()));
  stream.next_in = const_cast<Bytef*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = result.data();
  stream.avail_out = static_cast<uInt>(result.size());
  deflate(&stream, Z_FINISH);
  result.resize(stream.total_out);
  deflateEnd(&stream);
  return result;
}

}  // namespace

std::vector<Bytes> samples() {
  const Bytes labels = {0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1};
  const Bytes images = {0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4};
  const Bytes floats = {0, 0, 0xD, 1, 0, 0, 0, 1, 0x3F, 0x80, 0, 0};
  return {labels, images, floats, gzip_of(labels), gzip_of(images)};
}

void parse(const Bytes& bytes) {
  if (data::is_gzip(bytes))
    data::read_idx(File::memory(data::gunzip(bytes, "fuzz", 1 << 24), "fuzz"));
  else
    data::read_idx(File::memory(bytes, "fuzz"));
}

}  // namespace tuco::fuzz
