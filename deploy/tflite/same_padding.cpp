#include "tuco/deploy/tflite/same_padding.h"

#include "tuco/core/error.h"

namespace tuco::tflite {

tuco::Padding same_padding(const Shape& images, Hw kernel, Hw stride, Hw dilation) {
  require<FormatError>(stride.h > 0 && stride.w > 0 && dilation.h > 0 && dilation.w > 0,
                       "stride {} x {} and dilation {} x {} must be positive", stride.h, stride.w,
                       dilation.h, dilation.w);
  const auto total = [](int64_t size, int64_t window, int64_t step, int64_t gap) {
    const int64_t results = (size + step - 1) / step, reach = (window - 1) * gap + 1;
    return std::max<int64_t>(0, (results - 1) * step + reach - size);
  };
  const int64_t h = total(images[1], kernel.h, stride.h, dilation.h),
                w = total(images[2], kernel.w, stride.w, dilation.w);
  return {h / 2, h - h / 2, w / 2, w - w / 2};
}

tuco::Padding padding_of(schema::Padding padding, const Shape& images, Hw kernel, Hw stride,
                         Hw dilation) {
  if (padding == schema::Padding::SAME) return same_padding(images, kernel, stride, dilation);
  require<FormatError>(padding == schema::Padding::VALID, "padding {} is neither SAME nor VALID",
                       static_cast<int>(padding));
  return 0;
}

}  // namespace tuco::tflite
