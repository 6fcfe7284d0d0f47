// PNG through libpng's simplified interface, which keeps its longjmp to itself.
#include <png.h>

#include "tuco/core/error.h"
#include "tuco/core/file.h"
#include "tuco/data/image.h"

namespace tuco::data {
namespace {

/// libpng's state for one image, freed in any case.
struct Png : png_image {
  Png() : png_image{} { version = PNG_IMAGE_VERSION; }
  ~Png() { png_image_free(this); }
  Png(const Png&) = delete;
};

}  // namespace

Image detail::decode_png(std::span<const uint8_t> bytes, const std::string& name) {
  Png png;
  require<FormatError>(png_image_begin_read_from_memory(&png, bytes.data(), bytes.size()),
                       "{}: PNG: {}", name, png.message);
  // zlib packs at most 1,032 bytes in one, and eight black-and-white pixels are a byte.
  check_image_size(png.height, png.width, bytes.size(), 8 * 1032, name);
  const bool colour = png.format & PNG_FORMAT_FLAG_COLOR;
  png.format = colour ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  Image image(static_cast<int>(png.height), static_cast<int>(png.width), colour ? 3 : 1);
  const png_color white{255, 255, 255};
  const int ok = png_image_finish_read(&png, &white, image.pixels.data(), 0, nullptr);
  require<FormatError>(ok && !PNG_IMAGE_FAILED(png), "{}: PNG: {}", name, png.message);
  return image;
}

void write_png(const std::filesystem::path& path, const Image& image) {
  Png png;
  png.height = static_cast<png_uint_32>(image.height);
  png.width = static_cast<png_uint_32>(image.width);
  png.format = image.channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(png);
  Bytes bytes(size);
  require<IoError>(
      png_image_write_to_memory(&png, bytes.data(), &size, 0, image.pixels.data(), 0, nullptr),
      "{}: PNG: {}", path.string(), png.message);
  bytes.resize(size);
  write_file(path.string(), bytes);
}

}  // namespace tuco::data
