// TensorFlow's two kinds of padding.
#pragma once
#include "tuco/core/ops/window.h"
#include "tuco/core/shape.h"
#include "tuco/deploy/tflite/file_model.h"

namespace tuco::tflite {

/// The padding with which a window gives ceil(size / stride) results along each side of images
/// (n, h, w, c): where it is odd, the larger half comes after the image. Throws FormatError for
/// strides and dilations that are not positive.
tuco::Padding same_padding(const Shape& images, Hw kernel, Hw stride, Hw dilation = 1);

/// The padding that the file means.
tuco::Padding padding_of(schema::Padding padding, const Shape& images, Hw kernel, Hw stride,
                         Hw dilation = 1);

}  // namespace tuco::tflite
