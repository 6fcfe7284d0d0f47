#include "samples.h"

#include <cstddef>
#include <cstdio>
// After the two above, which it needs.
#include <jpeglib.h>

#include <algorithm>
#include <cmath>

namespace tuco::test {

using data::Image;

Image sample_image(int height, int width, int channels, int variant) {
  Image image(height, width, channels);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < channels; ++c) {
        const double wave = std::sin(0.11 * x + 0.7 * c + variant) + std::cos(0.07 * y - c);
        const double edge = x + y > (height + width) / 2 ? 40 : -40;
        image.at(y, x)[c] = static_cast<uint8_t>(128 + 35 * wave + edge);
      }
  return image;
}

Bytes jpeg_of(const Image& image, int quality, bool progressive, int orientation) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &buffer, &size);
  info.image_width = static_cast<JDIMENSION>(image.width);
  info.image_height = static_cast<JDIMENSION>(image.height);
  info.input_components = image.channels;
  info.in_color_space = image.channels == 1   ? JCS_GRAYSCALE
                        : image.channels == 3 ? JCS_RGB
                                              : JCS_CMYK;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, quality, TRUE);
  if (progressive) jpeg_simple_progression(&info);
  jpeg_start_compress(&info, TRUE);
  if (orientation) {
    const Bytes exif = {
        'E', 'x', 'i', 'f', 0,    0, 'M', 'M', 0, 42, 0, 0, 0,
        8,   0,   1,   1,   0x12, 0, 3,   0,   0, 0,  1, 0, static_cast<uint8_t>(orientation),
        0,   0,   0,   0,   0,    0};
    jpeg_write_marker(&info, JPEG_APP0 + 1, exif.data(), static_cast<unsigned>(exif.size()));
  }
  while (info.next_scanline < info.image_height) {
    auto* row = const_cast<uint8_t*>(image.at(static_cast<int>(info.next_scanline), 0));
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  const Bytes bytes(buffer, buffer + size);
  std::free(buffer);
  return bytes;
}

Bytes png_of(const Image& image) {
  TemporaryFolder folder;
  data::write_png(folder.path() / "image.png", image);
  return File::open((folder.path() / "image.png").string()).read_all();
}

namespace {

void append_member(Bytes& tar, std::string name, char type, const Bytes& bytes) {
  name.resize(std::min<size_t>(name.size(), 100));
  Bytes header(512);
  std::copy(name.begin(), name.end(), header.begin());
  const auto octal = [&](size_t at, int digits, size_t value) {
    std::snprintf(reinterpret_cast<char*>(&header[at]), size_t(digits) + 1, "%0*zo", digits, value);
  };
  octal(100, 7, 0644);
  octal(124, 11, bytes.size());
  header[156] = static_cast<uint8_t>(type);
  const char magic[] = "ustar\00000";
  std::copy_n(magic, 8, &header[257]);
  std::fill_n(&header[148], 8, uint8_t{' '});
  size_t sum = 0;
  for (const uint8_t byte : header) sum += byte;
  octal(148, 6, sum);
  tar.insert(tar.end(), header.begin(), header.end());
  tar.insert(tar.end(), bytes.begin(), bytes.end());
  tar.resize((tar.size() + 511) / 512 * 512);
}

}  // namespace

Bytes tar_of(const std::vector<std::pair<std::string, Bytes>>& files, char long_names) {
  Bytes tar;
  for (const auto& [name, bytes] : files) {
    if (name.size() > 100 && long_names == 'L') {
      Bytes text(name.begin(), name.end());
      text.push_back(0);
      append_member(tar, "././@LongLink", 'L', text);
    } else if (name.size() > 100) {
      // The record's length counts its own three digits.
      const std::string record = std::to_string(name.size() + 10) + " path=" + name + "\n";
      append_member(tar, "PaxHeaders/long", 'x', Bytes(record.begin(), record.end()));
    }
    append_member(tar, name, '0', bytes);
  }
  tar.resize(tar.size() + 1024);
  return tar;
}

}  // namespace tuco::test
