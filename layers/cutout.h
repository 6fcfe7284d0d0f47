// Cutout: training on images of which a square is hidden (DeVries and Taylor, arXiv:1708.04552).
#pragma once
#include "tuco/core/rng.h"
#include "tuco/core/tensor.h"

namespace tuco {

/// Options of cutout: the square's side is between these parts of the image's shorter side.
struct CutoutOptions {
  double least = 0.2, most = 0.45;
};

/// A copy of images (n, h, w, c) in each of which one square, somewhere inside, is 0: the mean of
/// normalised pixels. Throws ShapeError for another rank, and Error unless
/// 0 <= least <= most <= 1.
Tensor cutout(const Tensor& images, Rng& rng, const CutoutOptions& options = {});

}  // namespace tuco
