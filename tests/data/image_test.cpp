#include "tuco/data/image.h"

#include <gtest/gtest.h>

#include <cmath>

#include "samples.h"
#include "tuco/core/error.h"
#include "tuco/core/rng.h"

namespace tuco::data {
namespace {

using test::jpeg_of;
using test::message_of;
using test::png_of;
using test::sample_image;

double mean_difference(const Image& a, const Image& b) {
  double sum = 0;
  for (size_t i = 0; i < a.pixels.size(); ++i) sum += std::abs(a.pixels[i] - b.pixels[i]);
  return sum / double(a.pixels.size());
}

TEST(Image, PngGivesBackEveryPixel) {
  for (const int channels : {1, 3}) {
    const Image image = sample_image(37, 53, channels);
    EXPECT_EQ(decode_image(png_of(image), "sample.png"), image);
  }
}

TEST(Image, JpegIsCloseToTheOriginal) {
  for (const int channels : {1, 3})
    for (const bool progressive : {false, true}) {
      const Image image = sample_image(45, 70, channels);
      const Image decoded = decode_image(jpeg_of(image, 95, progressive), "sample.jpg");
      ASSERT_EQ(decoded.height, 45);
      ASSERT_EQ(decoded.width, 70);
      ASSERT_EQ(decoded.channels, channels);
      EXPECT_LT(mean_difference(decoded, image), 4);
    }
}

TEST(Image, CmykJpegBecomesRgb) {
  // No ink but cyan: R is what cyan leaves, G and B are full.
  Image inks(16, 16, 4);
  for (int i = 0; i < 256; ++i) inks.pixels[size_t(4 * i)] = 200;
  const Image decoded = decode_image(jpeg_of(inks), "cmyk.jpg");
  ASSERT_EQ(decoded.channels, 3);
  // libjpeg writes Adobe's marker with CMYK, so its values mean "255 - ink".
  EXPECT_NEAR(decoded.at(8, 8)[0], 0, 3);
  Image paper(16, 16, 4);
  std::fill(paper.pixels.begin(), paper.pixels.end(), uint8_t{255});
  const Image white = decode_image(jpeg_of(paper), "cmyk.jpg");
  EXPECT_EQ(white.at(3, 3)[1], 255);
}

TEST(Image, MinSideScalesWhileDecoding) {
  const auto bytes = jpeg_of(sample_image(320, 480, 3));
  EXPECT_EQ(decode_image(bytes, "a.jpg", 160).height, 160);
  EXPECT_EQ(decode_image(bytes, "a.jpg", 161).height, 320);
  EXPECT_EQ(decode_image(bytes, "a.jpg", 10).width, 60);
  EXPECT_EQ(decode_image(bytes, "a.jpg", 1000).height, 320);
}

TEST(Image, ExifOrientationIsApplied) {
  // Four corners of known brightness, in 16-pixel squares so that JPEG keeps them apart.
  Image image(32, 48, 1);
  for (int y = 0; y < 32; ++y)
    for (int x = 0; x < 48; ++x)
      *image.at(y, x) = static_cast<uint8_t>(y < 16 ? (x < 16 ? 250 : 170) : (x < 16 ? 90 : 10));
  // Row by row: top left, top right, bottom left, bottom right as they should appear.
  const int expected[9][4] = {{},
                              {250, 170, 90, 10},
                              {170, 250, 10, 90},
                              {10, 90, 170, 250},
                              {90, 10, 250, 170},
                              {250, 90, 170, 10},
                              {90, 250, 10, 170},
                              {10, 170, 90, 250},
                              {170, 10, 250, 90}};
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const Image turned = decode_image(jpeg_of(image, 100, false, orientation), "turned.jpg");
    const bool transposed = orientation >= 5;
    ASSERT_EQ(turned.height, transposed ? 48 : 32) << orientation;
    ASSERT_EQ(turned.width, transposed ? 32 : 48) << orientation;
    const int y = turned.height - 3, x = turned.width - 3;
    const int corners[] = {*turned.at(2, 2), *turned.at(2, x), *turned.at(y, 2), *turned.at(y, x)};
    for (int i = 0; i < 4; ++i)
      EXPECT_NEAR(corners[i], expected[orientation][i], 4) << orientation << " corner " << i;
  }
}

TEST(Image, NotAnImageIsRefusedByName) {
  EXPECT_NE(message_of<FormatError>([] { decode_image({}, "empty.jpg"); }).find("empty.jpg"),
            std::string::npos);
  const std::vector<uint8_t> text = {'G', 'I', 'F', '8', '9', 'a'};
  EXPECT_NE(message_of<FormatError>([&] {
              decode_image(text, "a.gif");
            }).find("neither a JPEG nor a PNG"),
            std::string::npos);
}

TEST(Image, EveryTruncationIsRefusedByName) {
  const Image image = sample_image(40, 40, 3);
  for (const auto& whole : {jpeg_of(image), jpeg_of(image, 90, true), png_of(image)})
    // A PNG's pixels may be complete before its last chunk, IEND, is (12 bytes), and a JPEG's
    // before its end marker (2 bytes).
    for (size_t size = 0; size + 14 < whole.size(); size += 1 + size / 50) {
      const std::vector<uint8_t> cut(whole.begin(), whole.begin() + ptrdiff_t(size));
      EXPECT_NE(message_of<FormatError>([&] { decode_image(cut, "cut.img"); }).find("cut.img"),
                std::string::npos)
          << size << " of " << whole.size();
    }
}

TEST(Image, FlippedBitsGiveAnImageOrAnErrorThatNamesTheFile) {
  const Image image = sample_image(40, 56, 3);
  Rng rng(5);
  for (const auto& whole : {jpeg_of(image), jpeg_of(image, 90, true), png_of(image)}) {
    int refused = 0;
    for (int trial = 0; trial < 1000; ++trial) {
      auto damaged = whole;
      for (uint32_t flips = 1 + rng.below(4); flips > 0; --flips)
        damaged[rng.below(uint32_t(damaged.size()))] ^= static_cast<uint8_t>(1 << rng.below(8));
      try {
        const Image decoded = decode_image(damaged, "flipped.img");
        EXPECT_EQ(decoded.pixels.size(),
                  size_t(decoded.height) * size_t(decoded.width) * size_t(decoded.channels));
      } catch (const FormatError& error) {
        ++refused;
        EXPECT_NE(std::string(error.what()).find("flipped.img"), std::string::npos);
      }
    }
    // PNG has checksums; of JPEG's damage much is legal and only changes what is seen.
    EXPECT_GT(refused, 50);
  }
}

TEST(Image, ImpossibleSizesAreRefusedBeforeMemoryIsTaken) {
  auto bytes = jpeg_of(sample_image(16, 16, 1));
  // The frame header FF C0: length, precision, then height and width.
  for (size_t i = 0; i + 8 < bytes.size(); ++i)
    if (bytes[i] == 0xFF && bytes[i + 1] == 0xC0)
      bytes[i + 5] = bytes[i + 6] = bytes[i + 7] = bytes[i + 8] = 0xF0;
  const auto message = message_of<FormatError>([&] { decode_image(bytes, "bomb.jpg"); });
  EXPECT_NE(message.find("bomb.jpg"), std::string::npos);
  EXPECT_NE(message.find("61680 x 61680"), std::string::npos) << message;
}

TEST(Image, GreyAndColour) {
  Image image(1, 2, 3);
  image.pixels = {255, 255, 255, 255, 0, 0};
  const Image grey = with_channels(image, 1);
  EXPECT_EQ(grey.pixels, (std::vector<uint8_t>{255, 76}));
  EXPECT_EQ(with_channels(grey, 3).pixels, (std::vector<uint8_t>{255, 255, 255, 76, 76, 76}));
}

TEST(Image, WritePngToAFolderThatIsNotThereThrowsIoError) {
  EXPECT_NE(message_of<IoError>([] {
              write_png("/nowhere/at/all.png", Image(2, 2, 3));
            }).find("/nowhere/at/all.png"),
            std::string::npos);
}

}  // namespace
}  // namespace tuco::data
