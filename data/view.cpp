#include "tuco/data/view.h"

#include "tuco/core/error.h"

namespace tuco::data {
namespace {

/// Taps are computed four at a time; rows of the region are padded for it.
constexpr int kLanes = 4;
/// The most source pixels that one rendering may touch, mirrored ones included.
constexpr int64_t kMaxRegion = 2 * kMaxImagePixels;

/// `i` mirrored into [0, n) at the edges (the edge pixel itself is repeated).
int mirrored(int64_t i, int n) {
  i %= 2 * int64_t{n};
  if (i < 0) i += 2 * int64_t{n};
  return static_cast<int>(i < n ? i : 2 * int64_t{n} - 1 - i);
}

/// What the frame can see, as one float plane for each channel, continued beyond the edges.
struct Region {
  Region(const Image& image, int64_t x, int64_t y, int64_t w, int64_t h)
      : left(x),
        top(y),
        wide(static_cast<int>(w)),
        high(static_cast<int>(h)),
        stride(w + kLanes),
        plane(stride * h) {
    const int channels = image.channels;
    values.resize(static_cast<size_t>(plane * channels));
    std::vector<int> columns(static_cast<size_t>(stride));
    for (int64_t i = 0; i < stride; ++i)
      columns[static_cast<size_t>(i)] = mirrored(left + i, image.width) * channels;
    for (int64_t row = 0; row < high; ++row) {
      const uint8_t* from = image.at(mirrored(top + row, image.height), 0);
      for (int c = 0; c < channels; ++c) {
        float* to = values.data() + c * plane + row * stride;
        for (int64_t i = 0; i < stride; ++i) to[i] = from[columns[static_cast<size_t>(i)] + c];
      }
    }
  }
  int64_t left, top;
  int wide, high;
  int64_t stride, plane;
  std::vector<float> values;
};

/// The geometry of one rendering. A tap at (dx, dy) from a result pixel's centre has the weight
/// max(0, 1 - |u|) * max(0, 1 - |v|), u = ux dx + uy dy, v likewise; outside of |dx| < reach_x,
/// |dy| < reach_y all weights are 0.
struct Filter {
  explicit Filter(const View& view) {
    step_x = view.right * (2.0f / static_cast<float>(view.width));
    step_y = view.down * (2.0f / static_cast<float>(view.height));
    first = view.center + view.right * (1.0f / static_cast<float>(view.width) - 1) +
            view.down * (1.0f / static_cast<float>(view.height) - 1);
    const float area = step_x.x * step_y.y - step_x.y * step_y.x;
    require<ShapeError>(std::abs(area) > 1e-12f && std::isfinite(area),
                        "view: the frame of ({}, {}) and ({}, {}) has no area", view.right.x,
                        view.right.y, view.down.x, view.down.y);
    // Where the image is magnified, the filter is as wide as the image's pixels.
    const float wide = std::max(1.0f, 1 / std::hypot(step_x.x, step_x.y));
    const float high = std::max(1.0f, 1 / std::hypot(step_y.x, step_y.y));
    ux = step_y.y / area / wide;
    uy = -step_y.x / area / wide;
    vx = -step_x.y / area / high;
    vy = step_x.x / area / high;
    reach_x = std::abs(step_x.x) * wide + std::abs(step_y.x) * high;
    reach_y = std::abs(step_x.y) * wide + std::abs(step_y.y) * high;
  }
  Point step_x, step_y, first;
  float ux, uy, vx, vy, reach_x, reach_y;
};

/// Four floats that the compiler keeps in a vector register; its operators work by element.
using Lanes = float __attribute__((vector_size(kLanes * sizeof(float))));

Lanes load(const float* from) {
  Lanes lanes;
  std::memcpy(&lanes, from, sizeof lanes);
  return lanes;
}

float sum(Lanes lanes) { return (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]); }

/// max(0, 1 - |distance|).
Lanes triangle(Lanes distance) {
  const Lanes zero = {};
  const Lanes height = 1 - (distance < zero ? -distance : distance);
  return height > zero ? height : zero;
}

/// The filtered colour around `at`, which is relative to the region.
template <int kChannels>
std::array<float, kChannels> filtered(const Region& region, const Filter& f, Point at) {
  // Positions in the region are not negative, where cutting the fraction off is the floor. A tap
  // exactly on the reach has no weight and may be left out.
  const int x0 = std::max(0, static_cast<int>(at.x - f.reach_x + 0.5f));
  const int y0 = std::max(0, static_cast<int>(at.y - f.reach_y + 0.5f));
  const int x1 = std::min(region.wide, static_cast<int>(at.x + f.reach_x + 0.5f));
  const int y1 = std::min(region.high, static_cast<int>(at.y + f.reach_y + 0.5f));
  const Lanes count = {0, 1, 2, 3};
  const Lanes lanes_u = count * f.ux, lanes_v = count * f.vx;
  Lanes total = {}, sums[kChannels] = {};
  for (int y = y0; y < y1; ++y) {
    const float dy = static_cast<float>(y) + 0.5f - at.y;
    const float* row = region.values.data() + y * region.stride;
    for (int x = x0; x < x1; x += kLanes) {
      const float dx = static_cast<float>(x) + 0.5f - at.x;
      const Lanes weight =
          triangle(f.ux * dx + f.uy * dy + lanes_u) * triangle(f.vx * dx + f.vy * dy + lanes_v);
      total += weight;
      for (int c = 0; c < kChannels; ++c) sums[c] += weight * load(row + c * region.plane + x);
    }
  }
  std::array<float, kChannels> result;
  const float scale = 1 / sum(total);
  for (int c = 0; c < kChannels; ++c) result[size_t(c)] = sum(sums[c]) * scale;
  return result;
}

uint8_t to_pixel(float value) {
  return static_cast<uint8_t>(std::clamp(value, 0.0f, 255.0f) + 0.5f);
}

template <int kChannels>
void render_into(Image& result, const Region& region, const Filter& filter, const ColorMap& color) {
  uint8_t* out = result.pixels.data();
  for (int i = 0; i < result.height; ++i)
    for (int j = 0; j < result.width; ++j, out += kChannels) {
      Point at = filter.first + filter.step_x * static_cast<float>(j) +
                 filter.step_y * static_cast<float>(i);
      at.x -= static_cast<float>(region.left);
      at.y -= static_cast<float>(region.top);
      const auto p = filtered<kChannels>(region, filter, at);
      for (int c = 0; c < kChannels; ++c) {
        const auto& row = color.rows[size_t(c)];
        // Grey is a colour of three equal channels.
        const float value = kChannels == 1 ? (row[0] + row[1] + row[2]) * p[0]
                                           : row[0] * p[0] + row[1] * p[1] + row[2] * p[2];
        out[c] = to_pixel(value + row[3]);
      }
    }
}

}  // namespace

ColorMap ColorMap::then(const ColorMap& next) const {
  ColorMap result;
  for (size_t i = 0; i < 3; ++i)
    for (size_t j = 0; j < 4; ++j) {
      result.rows[i][j] = j == 3 ? next.rows[i][3] : 0;
      for (size_t k = 0; k < 3; ++k) result.rows[i][j] += next.rows[i][k] * rows[k][j];
    }
  return result;
}

View::View(std::shared_ptr<const Image> source)
    : image(std::move(source)), height(image->height), width(image->width) {
  const float w = static_cast<float>(width), h = static_cast<float>(height);
  center = {w / 2, h / 2};
  right = {w / 2, 0};
  down = {0, h / 2};
}

Image View::render() const {
  const View whole(image);
  if (height == image->height && width == image->width && center == whole.center &&
      right == whole.right && down == whole.down && color == ColorMap{})
    return *image;
  require<ShapeError>(height > 0 && width > 0, "view: a result of {} x {} pixels", width, height);
  const Filter filter(*this);
  const float half_wide = std::abs(right.x) + std::abs(down.x) + filter.reach_x;
  const float half_high = std::abs(right.y) + std::abs(down.y) + filter.reach_y;
  const bool sane = std::isfinite(center.x) && std::isfinite(center.y) &&
                    std::abs(center.x) < 1e7f && std::abs(center.y) < 1e7f && half_wide < 1e6f &&
                    half_high < 1e6f && half_wide * half_high < static_cast<float>(kMaxRegion) / 4;
  require<ShapeError>(sane, "view: a frame of {} x {} pixels at ({}, {})", 2 * half_wide,
                      2 * half_high, center.x, center.y);
  const auto left = static_cast<int64_t>(std::floor(center.x - half_wide));
  const auto top = static_cast<int64_t>(std::floor(center.y - half_high));
  const auto end_x = static_cast<int64_t>(std::ceil(center.x + half_wide)) + 1;
  const auto end_y = static_cast<int64_t>(std::ceil(center.y + half_high)) + 1;
  const Region region(*image, left, top, end_x - left, end_y - top);
  Image result(height, width, image->channels);
  if (image->channels == 1)
    render_into<1>(result, region, filter, color);
  else
    render_into<3>(result, region, filter, color);
  return result;
}

}  // namespace tuco::data
