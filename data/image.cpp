#include "tuco/data/image.h"

#include "tuco/core/error.h"
#include "tuco/core/file.h"

namespace tuco::data {

namespace detail {
void check_image_size(int64_t height, int64_t width, size_t bytes, int64_t ratio,
                      const std::string& name) {
  require<FormatError>(height > 0 && width > 0, "{}: an image of {} x {} pixels", name, width,
                       height);
  require<FormatError>(height <= kMaxImagePixels / width,
                       "{}: an image of {} x {} pixels, more than the {} that are accepted", name,
                       width, height, kMaxImagePixels);
  require<FormatError>(height * width <= ratio * (static_cast<int64_t>(bytes) + 64),
                       "{}: claims {} x {} pixels, which its {} bytes cannot hold", name, width,
                       height, bytes);
}
}  // namespace detail

Image decode_image(std::span<const uint8_t> bytes, const std::string& name, int min_side) {
  const auto starts_with = [&](std::initializer_list<uint8_t> magic) {
    return bytes.size() >= magic.size() && std::equal(magic.begin(), magic.end(), bytes.begin());
  };
  if (starts_with({0xFF, 0xD8})) return detail::decode_jpeg(bytes, name, min_side);
  if (starts_with({0x89, 'P', 'N', 'G'})) return detail::decode_png(bytes, name);
  require<FormatError>(!bytes.empty(), "{}: the file is empty", name);
  fail<FormatError>("{}: neither a JPEG nor a PNG file (its first byte is {:#04x})", name,
                    unsigned{bytes[0]});
}

Image read_image(const std::filesystem::path& path, int min_side) {
  const File file = File::open(path.string());
  return decode_image(file.read_all(), file.name(), min_side);
}

Image with_channels(Image image, int channels) {
  if (image.channels == channels) return image;
  Image result(image.height, image.width, channels);
  const size_t count = size_t(image.height) * size_t(image.width);
  for (size_t i = 0; i < count; ++i) {
    if (channels == 1) {
      const uint8_t* p = &image.pixels[3 * i];
      // Weights in 1/65536 that sum to 65536, so white stays white.
      result.pixels[i] =
          static_cast<uint8_t>((19595u * p[0] + 38470u * p[1] + 7471u * p[2] + 32768u) >> 16);
    } else {
      std::fill_n(&result.pixels[3 * i], 3, image.pixels[i]);
    }
  }
  return result;
}

Image contact_sheet(std::span<const Image> images, int columns) {
  if (images.empty()) return {};
  const Image& first = images.front();
  const int gap = 2, rows = (static_cast<int>(images.size()) + columns - 1) / columns;
  Image sheet(rows * (first.height + gap), columns * (first.width + gap), first.channels);
  for (size_t i = 0; i < images.size(); ++i) {
    const Image& image = images[i];
    require<ShapeError>(image.height == first.height && image.width == first.width &&
                            image.channels == first.channels,
                        "contact_sheet: image {} is {} x {}, the first {} x {}", i, image.width,
                        image.height, first.width, first.height);
    const int top = static_cast<int>(i) / columns * (first.height + gap);
    const int left = static_cast<int>(i) % columns * (first.width + gap);
    for (int y = 0; y < image.height; ++y)
      std::copy_n(image.at(y, 0), size_t(image.width) * size_t(image.channels),
                  sheet.at(top + y, left));
  }
  return sheet;
}

}  // namespace tuco::data
