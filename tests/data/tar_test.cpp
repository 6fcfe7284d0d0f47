#include "tuco/data/tar.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "samples.h"
#include "tests/support/shared_data.h"
#include "tuco/core/error.h"
#include "tuco/core/rng.h"
#include "tuco/data/gzip.h"

namespace tuco::data {
namespace {

using test::message_of;
using test::tar_of;

Bytes text(const std::string& value) { return Bytes(value.begin(), value.end()); }

const std::string kLongName = std::string(60, 'a') + "/" + std::string(90, 'b') + "/file.jpg";

TEST(Tar, ListsPlainFilesWithShortAndLongNames) {
  for (const char long_names : {'L', 'x'}) {
    const File file = File::memory(
        tar_of({{"./one.txt", text("first")}, {kLongName, text("second")}, {"empty", {}}},
               long_names),
        "sample.tar");
    const auto entries = list_tar(file);
    ASSERT_EQ(entries.size(), 3u);
    EXPECT_EQ(entries[0].name, "one.txt");
    EXPECT_EQ(file.read(entries[0].offset, entries[0].size), text("first"));
    EXPECT_EQ(entries[1].name, kLongName);
    EXPECT_EQ(file.read(entries[1].offset, entries[1].size), text("second"));
    EXPECT_EQ(entries[2].size, 0u);
  }
}

TEST(Tar, UstarPrefixJoinsTheName) {
  Bytes bytes = tar_of({{"name.txt", text("x")}});
  // "long/folder" in the prefix field, and the checksum to match.
  int change = 0;
  const std::string prefix = "long/folder";
  for (size_t i = 0; i < prefix.size(); ++i) {
    bytes[345 + i] = static_cast<uint8_t>(prefix[i]);
    change += prefix[i];
  }
  const int sum = std::stoi(std::string(bytes.begin() + 148, bytes.begin() + 154), nullptr, 8);
  std::snprintf(reinterpret_cast<char*>(&bytes[148]), 7, "%06o", sum + change);
  EXPECT_EQ(list_tar(File::memory(bytes, "a.tar")).at(0).name, "long/folder/name.txt");
}

TEST(Tar, EveryTruncationWithinAMemberIsRefusedByName) {
  const Bytes whole = tar_of({{"a", Bytes(700, 7)}, {kLongName, Bytes(100, 8)}});
  const size_t end = whole.size() - 1024 - 412;  // the last member's bytes end here
  for (size_t size = 1; size < end; size += 13) {
    // Between two members an archive may end.
    if (size % 512 == 0 || (size > 512 + 700 && size < 512 + 1024)) continue;
    const Bytes cut(whole.begin(), whole.begin() + ptrdiff_t(size));
    const auto message = message_of<FormatError>([&] { list_tar(File::memory(cut, "cut.tar")); });
    EXPECT_NE(message.find("cut.tar"), std::string::npos) << size;
    EXPECT_NE(message.find("truncated"), std::string::npos) << message;
  }
}

TEST(Tar, AFlippedBitInAHeaderIsAWrongChecksum) {
  const Bytes whole = tar_of({{"a", Bytes(100, 7)}});
  for (size_t at = 0; at < 512; ++at) {
    if (at >= 148 && at < 156) continue;
    Bytes damaged = whole;
    damaged[at] ^= 0x10;
    EXPECT_EQ(message_of<FormatError>([&] { list_tar(File::memory(damaged, "bad.tar")); }),
              "bad.tar: tar: wrong checksum in the header at byte 0");
  }
}

TEST(Tar, RandomBytesNeverReadOutside) {
  const Bytes whole = tar_of({{"a", Bytes(600, 7)}, {kLongName, Bytes(30, 1)}, {"c", Bytes(9, 1)}});
  Rng rng(2);
  for (int trial = 0; trial < 3000; ++trial) {
    Bytes damaged = whole;
    const size_t block = rng.below(uint32_t(damaged.size() / 512)) * 512;
    damaged[block + rng.below(512)] = static_cast<uint8_t>(rng.bits());
    // Make the checksum right again, so that the damage gets past it.
    std::fill_n(&damaged[block + 148], 8, uint8_t{' '});
    unsigned sum = 0;
    for (size_t i = 0; i < 512; ++i) sum += damaged[block + i];
    std::snprintf(reinterpret_cast<char*>(&damaged[block + 148]), 7, "%06o", sum);
    const File file = File::memory(damaged, "fuzzed.tar");
    try {
      for (const auto& entry : list_tar(file)) {
        EXPECT_LE(entry.offset, file.size());
        EXPECT_LE(entry.size, file.size() - entry.offset);
      }
    } catch (const FormatError& error) {
      EXPECT_NE(std::string(error.what()).find("fuzzed.tar"), std::string::npos);
    }
  }
}

TEST(Tar, CatsVsDogs) {
  const auto path = test::shared_data("data/cats-vs-dogs.tar");
  TUCO_NEEDS_SHARED(path, "data/cats-vs-dogs.tar");
  const File file = open_file(path);
  const auto entries = list_tar(file);
  EXPECT_EQ(entries.size(), 4101u);
  EXPECT_EQ(entries[0].name, "cats-vs-dogs/train/cat/0000.jpg");
  EXPECT_EQ(entries[0].size, 14236u);
}

TEST(Tar, AGzippedArchiveOpensAsWell) {
  const auto path = test::shared_data("data/spoken-digits.tar.gz");
  TUCO_NEEDS_SHARED(path, "data/spoken-digits.tar.gz");
  size_t waves = 0;
  for (const auto& entry : list_tar(open_file(path))) waves += entry.name.ends_with(".wav");
  EXPECT_EQ(waves, 1500u);
}

}  // namespace
}  // namespace tuco::data
