// Convolutions of dense float arrays behind the stand-in of cuDNN: images as (batch, height, width,
// channels), filters as (outputs, height, width, channels of a group).
#pragma once
#include <cstdint>

namespace standin {

/// The sizes of a convolution in two dimensions; `top` and `left` are the padding before the image.
struct ConvolutionShape {
  std::int64_t batch, height, width, channels;
  std::int64_t outputs, filter_height, filter_width, groups;
  std::int64_t out_height, out_width;
  std::int64_t top, left, stride_y, stride_x, dilation_y, dilation_x;
};

/// y = x * w.
void convolve(const ConvolutionShape& shape, const float* x, const float* w, float* y);
/// dx, from dy and w.
void convolve_gradient_of_image(const ConvolutionShape& shape, const float* w, const float* dy,
                                float* dx);
/// dw, from x and dy; the batch is summed up from image `first` on, around its end.
void convolve_gradient_of_filter(const ConvolutionShape& shape, const float* x, const float* dy,
                                 float* dw, std::int64_t first);

}  // namespace standin
