// What is around the animal in a drawn picture.
#pragma once
#include "tuco/data/raster.h"

namespace tuco::data::detail {

/// A wall or sky, a floor or lawn, and things that stand about.
void draw_background(Canvas& canvas, Rng& rng);
/// Sometimes something between the viewer and the animal: bars, grass, a hand or a cushion.
void draw_in_front(Canvas& canvas, Rng& rng);
/// What the camera adds: a colour cast, falling light, blur and noise.
void photograph(Canvas& canvas, Rng& rng);

}  // namespace tuco::data::detail
