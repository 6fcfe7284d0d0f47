// JPEG through libjpeg-turbo. libjpeg reports errors by longjmp: the functions that call it keep
// only trivial locals between setjmp and the end, and everything that owns memory lives outside.
#include <cstddef>
#include <cstdio>
// After the two above, which they need.
#include <jerror.h>
#include <jpeglib.h>

#include <csetjmp>

#include "tuco/core/error.h"
#include "tuco/data/image.h"

namespace tuco::data {
namespace {

/// A progressive file of a few kilobytes can ask for the whole image to be decoded thousands of
/// times over; real ones have about ten scans.
constexpr int kMaxScans = 200;

class Decoder {
 public:
  explicit Decoder(std::span<const uint8_t> bytes) : bytes_(bytes) {
    cinfo_.err = jpeg_std_error(&errors_);
    cinfo_.client_data = this;
    errors_.error_exit = [](j_common_ptr info) { of(info).leave(); };
    errors_.output_message = [](j_common_ptr) {};
    errors_.emit_message = [](j_common_ptr info, int level) {
      if (level < 0 && !harmless(info->err->msg_code)) of(info).leave();
    };
    progress_.progress_monitor = [](j_common_ptr info) {
      if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number <= kMaxScans) return;
      std::snprintf(of(info).message_, sizeof message_, "more than %d scans", kMaxScans);
      std::longjmp(of(info).back_, 1);
    };
  }
  ~Decoder() { jpeg_destroy_decompress(&cinfo_); }
  Decoder(const Decoder&) = delete;

  bool read_header() {
    if (setjmp(back_)) return false;
    jpeg_create_decompress(&cinfo_);
    cinfo_.progress = &progress_;
    jpeg_mem_src(&cinfo_, bytes_.data(), bytes_.size());
    jpeg_save_markers(&cinfo_, JPEG_APP0 + 1, 0xFFFF);
    jpeg_read_header(&cinfo_, TRUE);
    return true;
  }

  /// Decodes at 1/denominator; false after an error.
  bool start(int denominator) {
    if (setjmp(back_)) return false;
    cinfo_.scale_num = 1;
    cinfo_.scale_denom = static_cast<unsigned>(denominator);
    const auto space = cinfo_.jpeg_color_space;
    cinfo_.out_color_space = space == JCS_GRAYSCALE                   ? JCS_GRAYSCALE
                             : space == JCS_CMYK || space == JCS_YCCK ? JCS_CMYK
                                                                      : JCS_RGB;
    jpeg_start_decompress(&cinfo_);
    return true;
  }

  /// Fills output_height rows of output_width * output_components bytes.
  bool read_rows(uint8_t* out) {
    if (setjmp(back_)) return false;
    const size_t stride = size_t{cinfo_.output_width} * size_t(cinfo_.output_components);
    while (cinfo_.output_scanline < cinfo_.output_height) {
      JSAMPROW row = out + cinfo_.output_scanline * stride;
      jpeg_read_scanlines(&cinfo_, &row, 1);
    }
    jpeg_finish_decompress(&cinfo_);
    return true;
  }

  const jpeg_decompress_struct& info() const { return cinfo_; }
  const char* message() const { return message_; }

 private:
  static Decoder& of(j_common_ptr info) { return *static_cast<Decoder*>(info->client_data); }

  /// Oddities of the container that leave every pixel as it was meant.
  static bool harmless(int code) {
    return code == JWRN_EXTRANEOUS_DATA || code == JWRN_JFIF_MAJOR || code == JWRN_ADOBE_XFORM ||
           code == JWRN_BOGUS_ICC || code == JWRN_TOO_MUCH_DATA;
  }

  [[noreturn]] void leave() {
    errors_.format_message(reinterpret_cast<j_common_ptr>(&cinfo_), message_);
    std::longjmp(back_, 1);
  }

  std::span<const uint8_t> bytes_;
  jpeg_decompress_struct cinfo_{};
  jpeg_error_mgr errors_{};
  jpeg_progress_mgr progress_{};
  std::jmp_buf back_;
  char message_[JMSG_LENGTH_MAX] = "";
};

/// The EXIF orientation, 1 to 8; 1 where there is none or it makes no sense.
int orientation(const jpeg_decompress_struct& info) {
  for (auto marker = info.marker_list; marker; marker = marker->next) {
    const std::span<const uint8_t> data(marker->data, marker->data_length);
    constexpr size_t kTiff = 6;  // after "Exif\0\0"
    if (data.size() < kTiff + 8 || std::memcmp(data.data(), "Exif\0", 6) != 0) continue;
    const bool little = data[kTiff] == 'I';
    const auto number = [&](size_t at, size_t bytes) -> size_t {
      if (at > data.size() || bytes > data.size() - at) return 0;
      size_t value = 0;
      for (size_t i = 0; i < bytes; ++i)
        value |= size_t{data[at + i]} << 8 * (little ? i : bytes - 1 - i);
      return value;
    };
    const size_t directory = kTiff + number(kTiff + 4, 4);
    const size_t entries = number(directory, 2);
    for (size_t i = 0; i < entries; ++i) {
      const size_t entry = directory + 2 + 12 * i;
      if (number(entry, 2) != 0x0112) continue;
      const size_t value = number(entry + 8, 2);
      return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
    }
  }
  return 1;
}

/// The image as it is meant to be looked at.
Image upright(Image image, int orientation) {
  if (orientation == 1) return image;
  const bool transposed = orientation >= 5;
  // For each orientation, whether rows and columns are read backwards.
  const bool up = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
  const bool left = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
  Image result(transposed ? image.width : image.height, transposed ? image.height : image.width,
               image.channels);
  for (int y = 0; y < result.height; ++y)
    for (int x = 0; x < result.width; ++x) {
      const int v = up ? (transposed ? result.height - 1 - y : image.height - 1 - y) : y;
      const int u = left ? (transposed ? result.width - 1 - x : image.width - 1 - x) : x;
      std::copy_n(transposed ? image.at(u, v) : image.at(v, u), size_t(image.channels),
                  result.at(y, x));
    }
  return result;
}

/// RGB from CMYK in place of the first channels; Adobe's files store the inks inverted.
Image from_cmyk(const Image& image, bool inverted) {
  Image result(image.height, image.width, 3);
  const size_t count = size_t(image.height) * size_t(image.width);
  for (size_t i = 0; i < count; ++i) {
    const uint8_t* p = &image.pixels[4 * i];
    const unsigned black = inverted ? p[3] : 255u - p[3];
    for (size_t c = 0; c < 3; ++c)
      result.pixels[3 * i + c] =
          static_cast<uint8_t>(((inverted ? p[c] : 255u - p[c]) * black + 127) / 255);
  }
  return result;
}

}  // namespace

Image detail::decode_jpeg(std::span<const uint8_t> bytes, const std::string& name, int min_side) {
  Decoder decoder(bytes);
  require<FormatError>(decoder.read_header(), "{}: JPEG: {}", name, decoder.message());
  const auto& info = decoder.info();
  // The emptiest file spends 6 blocks of two bits on 256 pixels; progressive ones somewhat less.
  check_image_size(info.image_height, info.image_width, bytes.size(), 1024, name);
  const int turned = orientation(info);
  int denominator = 1;
  const int side = static_cast<int>(std::min(info.image_height, info.image_width));
  while (min_side > 0 && denominator < 8 && side / (2 * denominator) >= min_side) denominator *= 2;
  require<FormatError>(decoder.start(denominator), "{}: JPEG: {}", name, decoder.message());
  Image image(static_cast<int>(info.output_height), static_cast<int>(info.output_width),
              info.output_components);
  require<FormatError>(decoder.read_rows(image.pixels.data()), "{}: JPEG: {}", name,
                       decoder.message());
  if (image.channels == 4) image = from_cmyk(image, info.saw_Adobe_marker);
  return upright(std::move(image), turned);
}

}  // namespace tuco::data
