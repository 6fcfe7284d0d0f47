// Image: decoded pixels, and the way there from JPEG and PNG. Files come from anywhere, so decoding
// trusts nothing: whatever is wrong with the bytes ends in a FormatError that names file and cause.
#pragma once
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace tuco::data {

/// Pixels of 0 to 255, stored by rows as (height, width, channels); 1 channel is grey, 3 are R, G
/// and B.
struct Image {
  int height = 0, width = 0, channels = 3;
  std::vector<uint8_t> pixels;

  Image() = default;
  /// A black image.
  Image(int h, int w, int c)
      : height(h), width(w), channels(c), pixels(size_t(h) * size_t(w) * size_t(c)) {}

  /// The first channel of the pixel in row y, column x, both of which must be inside.
  uint8_t* at(int y, int x) {
    return pixels.data() + (size_t(y) * size_t(width) + size_t(x)) * size_t(channels);
  }
  const uint8_t* at(int y, int x) const { return const_cast<Image*>(this)->at(y, x); }

  friend bool operator==(const Image&, const Image&) = default;
};

/// The most pixels that decode_image accepts.
inline constexpr int64_t kMaxImagePixels = int64_t{1} << 27;

/// Decodes a JPEG or PNG file; which one it is, its first bytes say. JPEGs are turned as their EXIF
/// orientation says, CMYK ones become RGB, 16-bit samples 8-bit, and what is transparent is laid on
/// white. Where `min_side` is positive, a JPEG may come out at 1/2, 1/4 or 1/8 of its size, as
/// small as the shorter side stays at least `min_side` (several times as fast). Throws FormatError
/// naming `name` and the cause if the bytes are neither format, damaged, cut short, or larger than
/// kMaxImagePixels.
Image decode_image(std::span<const uint8_t> bytes, const std::string& name, int min_side = 0);

/// Reads and decodes a file. Throws IoError or, as above, FormatError.
Image read_image(const std::filesystem::path& path, int min_side = 0);

/// Writes an image as PNG. Throws IoError; a failure leaves an old file whole.
void write_png(const std::filesystem::path& path, const Image& image);

/// Grey from RGB (0.299 R + 0.587 G + 0.114 B), RGB from grey, or the image itself.
Image with_channels(Image image, int channels);

/// Images of one size side by side, `columns` in a row, 2 black pixels between them: for looking at
/// data. Throws ShapeError if the sizes differ.
Image contact_sheet(std::span<const Image> images, int columns);

namespace detail {
Image decode_jpeg(std::span<const uint8_t> bytes, const std::string& name, int min_side);
Image decode_png(std::span<const uint8_t> bytes, const std::string& name);
/// Throws FormatError unless `bytes` can really hold so large an image: within kMaxImagePixels, and
/// compressed at most `ratio` pixels to a byte.
void check_image_size(int64_t height, int64_t width, size_t bytes, int64_t ratio,
                      const std::string& name);
}  // namespace detail

}  // namespace tuco::data
