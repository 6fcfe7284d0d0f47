#include "tuco/data/idx.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <cstring>

#include "samples.h"
#include "tests/support/shared_data.h"
#include "tuco/core/error.h"
#include "tuco/core/rng.h"
#include "tuco/data/gzip.h"

namespace tuco::data {
namespace {

using test::message_of;

Bytes sample() { return {0, 0, 0x08, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6}; }

Bytes gzip_of(const Bytes& bytes) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  Bytes result(deflateBound(&stream, bytes.size()) + 64);
  stream.next_in = const_cast<Bytef*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = result.data();
  stream.avail_out = static_cast<uInt>(result.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  result.resize(stream.total_out);
  deflateEnd(&stream);
  return result;
}

IdxArray read(Bytes bytes) { return read_idx(File::memory(std::move(bytes), "sample.idx")); }

TEST(Idx, PlainAndGzip) {
  for (const Bytes& bytes : {sample(), gzip_of(sample())}) {
    const IdxArray array = read(bytes);
    EXPECT_EQ(array.dtype, DType::uint8);
    EXPECT_EQ(array.shape, (Shape{2, 3}));
    EXPECT_EQ(array.bytes, (Bytes{1, 2, 3, 4, 5, 6}));
  }
}

TEST(Idx, GzipMembersFollowEachOther) {
  const Bytes whole = sample();
  Bytes both = gzip_of(Bytes(whole.begin(), whole.begin() + 7));
  const Bytes rest = gzip_of(Bytes(whole.begin() + 7, whole.end()));
  both.insert(both.end(), rest.begin(), rest.end());
  EXPECT_EQ(read(both).bytes, (Bytes{1, 2, 3, 4, 5, 6}));
}

TEST(Idx, WiderTypesComeInThisMachinesOrder) {
  const IdxArray array = read({0, 0, 0x0D, 1, 0, 0, 0, 1, 0x3F, 0xC0, 0, 0});
  float value;
  std::memcpy(&value, array.bytes.data(), 4);
  EXPECT_EQ(value, 1.5f);
}

TEST(Idx, EveryTruncationIsRefusedByName) {
  for (const Bytes& whole : {sample(), gzip_of(sample())})
    for (size_t size = 0; size < whole.size(); ++size) {
      const Bytes cut(whole.begin(), whole.begin() + ptrdiff_t(size));
      EXPECT_NE(message_of<FormatError>([&] { read(cut); }).find("sample.idx"), std::string::npos)
          << size;
    }
}

TEST(Idx, WrongHeadersAreRefusedByName) {
  const auto with = [](size_t at, uint8_t value) {
    Bytes bytes = sample();
    bytes[at] = value;
    return message_of<FormatError>([&] { read(bytes); });
  };
  EXPECT_NE(with(0, 1).find("starts with"), std::string::npos);
  EXPECT_NE(with(2, 0x0A).find("unknown type 0x0a"), std::string::npos);
  EXPECT_NE(with(3, 0).find("0 dimensions"), std::string::npos);
  EXPECT_NE(with(3, 200).find("200 dimensions"), std::string::npos);
  EXPECT_NE(with(7, 3).find("truncated"), std::string::npos);
  EXPECT_NE(with(7, 1).find("3 bytes, 6 follow"), std::string::npos);
  // Sizes whose product does not fit 64 bits must not wrap around to a small number.
  Bytes huge = {0, 0, 0x0E, 4};
  huge.resize(4 + 16, 0xFF);
  EXPECT_NE(message_of<FormatError>([&] { read(huge); }).find("overflow"), std::string::npos);
}

TEST(Idx, FlippedBitsGiveAnArrayOrAnErrorThatNamesTheFile) {
  Rng rng(4);
  for (const Bytes& whole : {sample(), gzip_of(sample())})
    for (int trial = 0; trial < 2000; ++trial) {
      Bytes damaged = whole;
      damaged[rng.below(uint32_t(damaged.size()))] ^= static_cast<uint8_t>(1 << rng.below(8));
      try {
        const IdxArray array = read(damaged);
        EXPECT_EQ(array.bytes.size(), size_t(array.shape.numel()) * size_of(array.dtype));
      } catch (const FormatError& error) {
        EXPECT_NE(std::string(error.what()).find("sample.idx"), std::string::npos);
      }
    }
}

TEST(Idx, GunzipStopsAtItsLimit) {
  const Bytes zeros = gzip_of(Bytes(100000));
  EXPECT_EQ(gunzip(zeros, "zeros.gz", 100000).size(), 100000u);
  EXPECT_NE(message_of<FormatError>([&] { gunzip(zeros, "zeros.gz", 99999); }).find("99999"),
            std::string::npos);
}

TEST(Idx, MnistLabels) {
  const auto path = test::shared_data("data/mnist-t10k-labels-idx1-ubyte.gz");
  TUCO_NEEDS_SHARED(path, "data/mnist-t10k-labels-idx1-ubyte.gz");
  const IdxArray labels = read_idx(open_file(path));
  EXPECT_EQ(labels.shape, (Shape{10000}));
  EXPECT_EQ(labels.bytes[0], 7);
  EXPECT_EQ(labels.bytes[1], 2);
}

}  // namespace
}  // namespace tuco::data
