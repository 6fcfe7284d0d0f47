// Convolutions of dense arrays of float or double behind the stand-in of cuDNN: images as (batch,
// height, width, channels), filters as (outputs, height, width, channels of a group).
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
template <class T>
void convolve(const ConvolutionShape& shape, const T* x, const T* w, T* y);
/// dx, from dy and w.
template <class T>
void convolve_gradient_of_image(const ConvolutionShape& shape, const T* w, const T* dy, T* dx);
/// dw, from x and dy; the batch is summed up from image `first` on, around its end.
template <class T>
void convolve_gradient_of_filter(const ConvolutionShape& shape, const T* x, const T* dy, T* dw,
                                 std::int64_t first);

}  // namespace standin
