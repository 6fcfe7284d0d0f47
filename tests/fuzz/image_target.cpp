// JPEG and PNG: the decoders are libraries; what we do around them is ours.
#include "tests/data/samples.h"
#include "tests/fuzz/target.h"
#include "tuco/data/image.h"

namespace tuco::fuzz {

std::vector<Bytes> samples() {
  using test::jpeg_of;
  using test::png_of;
  using test::sample_image;
  return {jpeg_of(sample_image(24, 40, 3)), jpeg_of(sample_image(17, 9, 1)),
          jpeg_of(sample_image(24, 40, 3), 60, true, 6), png_of(sample_image(13, 11, 3)),
          png_of(sample_image(5, 8, 1))};
}

void parse(const Bytes& bytes) {
  data::decode_image(bytes, "fuzz");
  data::decode_image(bytes, "fuzz", 8);
}

}  // namespace tuco::fuzz
