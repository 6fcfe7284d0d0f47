#include "tuco/core/ops/window.h"

#include <algorithm>

#include "tuco/core/error.h"
#include "tuco/core/ops/conv2d.h"
#include "tuco/core/ops/pool2d.h"

namespace tuco {
namespace {

/// Beyond this, products of attributes could overflow.
constexpr int64_t kLargest = int64_t{1} << 30;

bool is_sane(Hw hw) { return hw.h <= kLargest && hw.w <= kLargest; }
bool is_sane(const Padding& p) {
  return std::max({p.top, p.bottom, p.left, p.right}) <= kLargest;
}

}  // namespace

WindowGeometry geometry(const op::Conv2d& conv, const Shape& images, const Shape& weight) {
  require<ShapeError>(images.rank() == 4, "conv2d: input {}, expected (n, h, w, in)", images);
  require<ShapeError>(weight.rank() == 4, "conv2d: weight {}, expected (out, kh, kw, in / groups)",
                      weight);
  const auto& [stride, dilation, padding, groups] = conv;
  require<ShapeError>(stride.h > 0 && stride.w > 0 && dilation.h > 0 && dilation.w > 0,
                      "conv2d: stride {} x {} and dilation {} x {} must be positive", stride.h,
                      stride.w, dilation.h, dilation.w);
  require<ShapeError>(
      padding.top >= 0 && padding.bottom >= 0 && padding.left >= 0 && padding.right >= 0,
      "conv2d: negative padding");
  require<ShapeError>(is_sane(stride) && is_sane(dilation) && is_sane(padding),
                      "conv2d: a stride, dilation or padding beyond {}", kLargest);
  require<ShapeError>(groups > 0 && images[3] % groups == 0 && weight[0] % groups == 0,
                      "conv2d: {} groups do not divide {} input and {} output channels", groups,
                      images[3], weight[0]);
  require<ShapeError>(images[3] / groups == weight[3],
                      "conv2d: input has {} channels, weight {} wants {} in {} groups", images[3],
                      weight, weight[3] * groups, groups);
  require<ShapeError>(weight[1] > 0 && weight[2] > 0, "conv2d: empty kernel in weight {}", weight);
  WindowGeometry g{.batch = images[0], .in_h = images[1], .in_w = images[2], .in_c = images[3],
                   .out_c = weight[0], .kernel = {weight[1], weight[2]}, .stride = stride,
                   .dilation = dilation, .padding = padding, .groups = groups};
  const int64_t reach_h = dilation.h * (g.kernel.h - 1) + 1,
                reach_w = dilation.w * (g.kernel.w - 1) + 1;
  const int64_t room_h = g.in_h + padding.top + padding.bottom - reach_h,
                room_w = g.in_w + padding.left + padding.right - reach_w;
  require<ShapeError>(room_h >= 0 && room_w >= 0,
                      "conv2d: kernel reaches over {} x {} cells, padded input has {} x {}",
                      reach_h, reach_w, room_h + reach_h, room_w + reach_w);
  g.out_h = room_h / stride.h + 1;
  g.out_w = room_w / stride.w + 1;
  return g;
}

namespace {

int64_t pooled_size(int64_t size, int64_t before, int64_t after, int64_t kernel, int64_t stride,
                    bool ceil_mode) {
  const int64_t room = size + before + after - kernel;
  int64_t result = (ceil_mode ? (room + stride - 1) / stride : room / stride) + 1;
  // The last window must start inside the image or the padding before it.
  if (ceil_mode && (result - 1) * stride >= size + before) --result;
  return result;
}

}  // namespace

WindowGeometry geometry(std::string_view op, const op::PoolWindow& window, const Shape& images) {
  const auto& [kernel, stride, padding, ceil_mode, include] = window;
  require<ShapeError>(images.rank() == 4, "{}: input {}, expected (n, h, w, c)", op, images);
  require<ShapeError>(kernel.h > 0 && kernel.w > 0 && stride.h > 0 && stride.w > 0,
                      "{}: kernel {} x {} and stride {} x {} must be positive", op, kernel.h,
                      kernel.w, stride.h, stride.w);
  require<ShapeError>(is_sane(kernel) && is_sane(stride), "{}: a kernel or stride beyond {}", op,
                      kLargest);
  require<ShapeError>(images[1] > 0 && images[2] > 0, "{}: no cells in input {}", op, images);
  require<ShapeError>(padding.top >= 0 && padding.bottom >= 0 && padding.left >= 0 &&
                          padding.right >= 0 && padding.top < kernel.h &&
                          padding.bottom < kernel.h && padding.left < kernel.w &&
                          padding.right < kernel.w,
                      "{}: padding must be smaller than the kernel {} x {}", op, kernel.h,
                      kernel.w);
  WindowGeometry g{.batch = images[0], .in_h = images[1], .in_w = images[2], .in_c = images[3],
                   .out_c = images[3], .kernel = kernel, .stride = stride, .padding = padding};
  require<ShapeError>(g.in_h + padding.top + padding.bottom >= kernel.h &&
                          g.in_w + padding.left + padding.right >= kernel.w,
                      "{}: kernel {} x {} is larger than the padded input {}", op, kernel.h,
                      kernel.w, images);
  g.out_h = pooled_size(g.in_h, padding.top, padding.bottom, kernel.h, stride.h, ceil_mode);
  g.out_w = pooled_size(g.in_w, padding.left, padding.right, kernel.w, stride.w, ceil_mode);
  return g;
}

}  // namespace tuco
