#include "tuco/devices/cpu/regions.h"

#include <algorithm>
#include <span>

namespace tuco::cpu {
namespace {

/// The least i >= 0 with a * i >= b, for a > 0.
int64_t first_at_least(int64_t a, int64_t b) { return b <= 0 ? 0 : (b + a - 1) / a; }

/// Neighbouring outputs along one axis with the same taps inside: `taps` of them from number `tap`
/// on. The first of these reads source position `at` for the first output.
struct Segment {
  int64_t first, count, tap, taps, at;
};

/// Output i reads source positions origin + step * i + taps[k], of which [0, size) exist; taps
/// ascend, so that those inside are neighbours.
std::pmr::vector<Segment> segments_of(int64_t outputs, int64_t size, int64_t origin, int64_t step,
                                      std::span<const int64_t> taps, Scratch& memory) {
  std::pmr::vector<Segment> segments(&memory);
  segments.reserve(2 * taps.size() + 1);
  const auto count = std::ssize(taps);
  int64_t low = count, high = count;  // those inside
  for (int64_t i = 0; i < outputs;) {
    const int64_t at = origin + step * i;
    while (low > 0 && at + taps[low - 1] >= 0) --low;
    while (high > 0 && at + taps[high - 1] >= size) --high;
    int64_t next = outputs;
    if (low > 0) next = std::min(next, first_at_least(step, -origin - taps[low - 1]));
    if (high > 0) next = std::min(next, first_at_least(step, size - origin - taps[high - 1]));
    const int64_t inside = std::max<int64_t>(high - low, 0);
    segments.push_back({i, next - i, low, inside, inside ? at + taps[low] : 0});
    i = next;
  }
  return segments;
}

/// Where the taps lie along both axes. They are all pairs of a row's and a column's, row by row, at
/// equal distances.
struct TapAxes {
  std::pmr::vector<int64_t> down, across;

  TapAxes(const Correlation& c, Scratch& memory) : down(&memory), across(&memory) {
    down.reserve(c.taps.size());
    across.reserve(c.taps.size());
    for (const Tap& tap : c.taps) {
      if (tap.w == c.taps.front().w) down.push_back(tap.h);
      if (tap.h == c.taps.front().h) across.push_back(tap.w);
    }
  }
  Regions regions(ptrdiff_t pixel, ptrdiff_t pitch, Scratch& memory) const {
    const auto distance = [](const auto& at) { return at.size() > 1 ? at[1] - at[0] : 0; };
    return {std::pmr::vector<Region>(&memory), std::ssize(across), distance(across) * pixel,
            distance(down) * pitch};
  }
};

}  // namespace

Regions image_regions(const Correlation& c, Scratch& memory) {
  const TapAxes taps(c, memory);
  const auto rows = segments_of(c.rows, c.src_h, c.origin.h, c.step.h, taps.down, memory),
             cols = segments_of(c.cols, c.src_w, c.origin.w, c.step.w, taps.across, memory);
  Regions regions = taps.regions(c.src_c, c.src_w * c.src_c, memory);
  regions.list.reserve(rows.size() * cols.size());
  for (const Segment& row : rows)
    for (const Segment& col : cols)
      regions.list.push_back({row.first, row.count, col.first, col.count,
                              row.tap * regions.taps_in_row + col.tap, row.taps, col.taps,
                              (row.at * c.src_w + col.at) * c.src_c});
  return regions;
}

Regions bordered_region(const Correlation& c, ptrdiff_t pixel, ptrdiff_t pitch, Scratch& memory) {
  const TapAxes taps(c, memory);
  Regions regions = taps.regions(pixel, pitch, memory);
  regions.list.push_back(
      {0, c.rows, 0, c.cols, 0, std::ssize(taps.down), std::ssize(taps.across), 0});
  return regions;
}

}  // namespace tuco::cpu
