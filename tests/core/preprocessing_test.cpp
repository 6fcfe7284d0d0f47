#include "tuco/core/preprocessing.h"

#include <gtest/gtest.h>

#include "tuco/core/error.h"

namespace tuco {
namespace {

Preprocessing sample() {
  Preprocessing p;
  p.height = 96;
  p.width = 128;
  p.channel_order = "BGR";
  p.resize = ResizeRule::stretch;
  p.mean = 127.3f;
  p.deviation = 0.1f;
  p.class_names = {"cat", "two\nlines", "back\\slash", "", "größer"};
  return p;
}

TEST(Preprocessing, MetadataReadsBackTheSame) {
  for (const Preprocessing& p : {sample(), Preprocessing{}}) {
    const auto metadata = to_metadata(p);
    EXPECT_TRUE(has_preprocessing(metadata));
    EXPECT_EQ(preprocessing_from(metadata), p);
    for (const auto& [key, value] : metadata) EXPECT_TRUE(key.starts_with("tuco.")) << key;
  }
  EXPECT_FALSE(has_preprocessing({{"format", "pt"}}));
}

TEST(Preprocessing, MissingAndMalformedEntriesAreRefusedByName) {
  const auto metadata = to_metadata(sample());
  for (const auto& [key, value] : metadata) {
    auto without = metadata;
    without.erase(key);
    try {
      preprocessing_from(without);
      ADD_FAILURE() << key << " may be missing";
    } catch (const FormatError& error) {
      EXPECT_NE(std::string(error.what()).find(key), std::string::npos) << error.what();
    }
    auto malformed = metadata;
    malformed[key] = "-7x\\";
    EXPECT_THROW(preprocessing_from(malformed), FormatError) << key;
  }
}

TEST(Preprocessing, NumbersOutOfRangeAreRefused) {
  auto metadata = to_metadata(sample());
  metadata["tuco.deviation"] = "0";
  EXPECT_THROW(preprocessing_from(metadata), FormatError);
  metadata = to_metadata(sample());
  metadata["tuco.mean"] = "nan";
  EXPECT_THROW(preprocessing_from(metadata), FormatError);
  metadata = to_metadata(sample());
  metadata["tuco.input_height"] = "-1";
  EXPECT_THROW(preprocessing_from(metadata), FormatError);
}

}  // namespace
}  // namespace tuco
