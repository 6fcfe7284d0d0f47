#include "convolution.h"

#include <algorithm>
#include <vector>

#include "matmul.h"

namespace standin {

namespace {

using std::int64_t;

// The sizes that all three walk by.
struct Sizes {
  explicit Sizes(const ConvolutionShape& s)
      : pixels(s.out_height * s.out_width),
        group_channels(s.channels / s.groups),
        group_outputs(s.outputs / s.groups),
        depth(s.filter_height * s.filter_width * group_channels),
        depthwise(group_channels == 1 && group_outputs == 1 && s.groups > 1) {}
  int64_t pixels, group_channels, group_outputs, depth;
  bool depthwise;
};

// Calls at(pixel of the result, tap of the filter, pixel of the image) for all that meet.
template <class At>
void each_tap(const ConvolutionShape& s, At at) {
  for (int64_t i = 0; i < s.out_height; ++i)
    for (int64_t j = 0; j < s.out_width; ++j)
      for (int64_t r = 0; r < s.filter_height; ++r) {
        const int64_t y = i * s.stride_y - s.top + r * s.dilation_y;
        if (y < 0 || y >= s.height) continue;
        for (int64_t q = 0; q < s.filter_width; ++q) {
          const int64_t x = j * s.stride_x - s.left + q * s.dilation_x;
          if (x < 0 || x >= s.width) continue;
          at(i * s.out_width + j, r * s.filter_width + q, y * s.width + x);
        }
      }
}

// One row for each pixel of the result: what the filter of a group meets there.
template <class T>
void gather(const ConvolutionShape& s, const Sizes& z, const T* image, T* rows) {
  std::fill(rows, rows + z.pixels * z.depth, T{});
  each_tap(s, [&](int64_t pixel, int64_t tap, int64_t from) {
    std::copy_n(image + from * s.channels, z.group_channels,
                rows + pixel * z.depth + tap * z.group_channels);
  });
}
template <class T>
void scatter(const ConvolutionShape& s, const Sizes& z, const T* rows, T* image) {
  each_tap(s, [&](int64_t pixel, int64_t tap, int64_t to) {
    const T* from = rows + pixel * z.depth + tap * z.group_channels;
    for (int64_t c = 0; c < z.group_channels; ++c) image[to * s.channels + c] += from[c];
  });
}

// Depth-wise filters with the channels innermost, so that all loops run along them.
template <class T>
std::vector<T> transposed(const T* w, int64_t channels, int64_t taps) {
  std::vector<T> out(std::size_t(channels * taps));
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t t = 0; t < taps; ++t) out[std::size_t(t * channels + c)] = w[c * taps + t];
  return out;
}

}  // namespace

template <class T>
void convolve(const ConvolutionShape& s, const T* x, const T* w, T* y) {
  const Sizes z(s);
  if (z.depthwise) {
    const auto taps = transposed(w, s.channels, z.depth);
    std::fill(y, y + s.batch * z.pixels * s.outputs, T{});
    for (int64_t b = 0; b < s.batch; ++b) {
      const T* image = x + b * s.height * s.width * s.channels;
      T* result = y + b * z.pixels * s.outputs;
      each_tap(s, [&](int64_t pixel, int64_t tap, int64_t from) {
        for (int64_t c = 0; c < s.channels; ++c)
          result[pixel * s.channels + c] +=
              image[from * s.channels + c] * taps[std::size_t(tap * s.channels + c)];
      });
    }
    return;
  }
  std::vector<T> rows(std::size_t(z.pixels * z.depth));
  for (int64_t b = 0; b < s.batch; ++b)
    for (int64_t g = 0; g < s.groups; ++g) {
      gather(s, z, x + b * s.height * s.width * s.channels + g * z.group_channels, rows.data());
      multiply<T>(z.group_outputs, z.pixels, z.depth,
                  {w + g * z.group_outputs * z.depth, z.depth, 1}, {rows.data(), 1, z.depth},
                  y + b * z.pixels * s.outputs + g * z.group_outputs, s.outputs, false);
    }
}

template <class T>
void convolve_gradient_of_image(const ConvolutionShape& s, const T* w, const T* dy, T* dx) {
  const Sizes z(s);
  std::fill(dx, dx + s.batch * s.height * s.width * s.channels, T{});
  if (z.depthwise) {
    const auto taps = transposed(w, s.channels, z.depth);
    for (int64_t b = 0; b < s.batch; ++b) {
      T* image = dx + b * s.height * s.width * s.channels;
      const T* result = dy + b * z.pixels * s.outputs;
      each_tap(s, [&](int64_t pixel, int64_t tap, int64_t to) {
        for (int64_t c = 0; c < s.channels; ++c)
          image[to * s.channels + c] +=
              result[pixel * s.channels + c] * taps[std::size_t(tap * s.channels + c)];
      });
    }
    return;
  }
  std::vector<T> rows(std::size_t(z.pixels * z.depth));
  for (int64_t b = 0; b < s.batch; ++b)
    for (int64_t g = 0; g < s.groups; ++g) {
      multiply<T>(z.depth, z.pixels, z.group_outputs,
                  {w + g * z.group_outputs * z.depth, 1, z.depth},
                  {dy + b * z.pixels * s.outputs + g * z.group_outputs, 1, s.outputs}, rows.data(),
                  z.depth, false);
      scatter(s, z, rows.data(), dx + b * s.height * s.width * s.channels + g * z.group_channels);
    }
}

template <class T>
void convolve_gradient_of_filter(const ConvolutionShape& s, const T* x, const T* dy, T* dw,
                                 int64_t first) {
  const Sizes z(s);
  std::fill(dw, dw + s.outputs * z.depth, T{});
  std::vector<T> rows(z.depthwise ? std::size_t(s.channels * z.depth)
                                  : std::size_t(z.pixels * z.depth));
  for (int64_t k = 0; k < s.batch; ++k) {
    const int64_t b = (first + k) % s.batch;
    const T* image = x + b * s.height * s.width * s.channels;
    const T* result = dy + b * z.pixels * s.outputs;
    if (z.depthwise) {
      each_tap(s, [&](int64_t pixel, int64_t tap, int64_t from) {
        for (int64_t c = 0; c < s.channels; ++c)
          rows[std::size_t(tap * s.channels + c)] +=
              result[pixel * s.channels + c] * image[from * s.channels + c];
      });
      continue;
    }
    for (int64_t g = 0; g < s.groups; ++g) {
      gather(s, z, image + g * z.group_channels, rows.data());
      multiply<T>(z.depth, z.group_outputs, z.pixels, {rows.data(), 1, z.depth},
                  {result + g * z.group_outputs, s.outputs, 1}, dw + g * z.group_outputs * z.depth,
                  z.depth, true);
    }
  }
  if (!z.depthwise) return;
  for (int64_t c = 0; c < s.channels; ++c)
    for (int64_t t = 0; t < z.depth; ++t)
      dw[c * z.depth + t] = rows[std::size_t(t * s.channels + c)];
}

#define STANDIN_CONVOLUTIONS(T)                                                                 \
  template void convolve<T>(const ConvolutionShape&, const T*, const T*, T*);                   \
  template void convolve_gradient_of_image<T>(const ConvolutionShape&, const T*, const T*, T*); \
  template void convolve_gradient_of_filter<T>(const ConvolutionShape&, const T*, const T*, T*, \
                                               std::int64_t);
STANDIN_CONVOLUTIONS(float)
STANDIN_CONVOLUTIONS(double)
#undef STANDIN_CONVOLUTIONS

}  // namespace standin
