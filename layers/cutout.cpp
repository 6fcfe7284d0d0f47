#include "tuco/layers/cutout.h"

#include <algorithm>
#include <vector>

#include "tuco/autograd/functions.h"
#include "tuco/autograd/grad_mode.h"
#include "tuco/core/error.h"

namespace tuco {

Tensor cutout(const Tensor& images, Rng& rng, const CutoutOptions& options) {
  require<ShapeError>(images.rank() == 4, "cutout: input {}, expected (n, h, w, c)",
                      images.shape());
  require<Error>(0 <= options.least && options.least <= options.most && options.most <= 1,
                 "cutout: sides of {} to {} of the image, expected 0 <= least <= most <= 1",
                 options.least, options.most);
  const NoGrad quiet;
  const int64_t n = images.dim(0), h = images.dim(1), w = images.dim(2);
  std::vector<float> visible(static_cast<size_t>(n * h * w), 1.0f);
  for (int64_t i = 0; i < n; ++i) {
    const double part = options.least + (options.most - options.least) * rng.uniform();
    const auto side = static_cast<int64_t>(part * static_cast<double>(std::min(h, w)));
    const auto top = static_cast<int64_t>(rng.below(static_cast<uint32_t>(h - side + 1)));
    const auto left = static_cast<int64_t>(rng.below(static_cast<uint32_t>(w - side + 1)));
    for (int64_t y = top; y < top + side; ++y)
      std::fill_n(visible.begin() + (i * h + y) * w + left, side, 0.0f);
  }
  return images * from_values(visible, {n, h, w, 1}).to(images.device()).to(images.dtype());
}

}  // namespace tuco
