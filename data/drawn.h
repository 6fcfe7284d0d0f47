// DrawnPets: cats and dogs drawn by a program, for machines without photographs. They vary as
// photographs do (breed, fur, pose, place, light, things in the way), so that a network has
// something to learn: neither ears nor muzzle nor colour alone tells a cat from a dog.
#pragma once
#include "tuco/data/dataset.h"

namespace tuco::data {

struct DrawnPetsOptions {
  /// Height and width of what the network sees.
  int size = 96;
  /// Random changes in training, as for photographs.
  Transforms augment = {};
  /// Other seeds draw other animals: one for training, another for the test.
  uint64_t seed = 0;
  /// The most memory for keeping drawn images, in bytes.
  size_t cache_bytes = size_t{512} << 20;
};

/// `count` drawn animals, cats (class 0) and dogs (class 1) in turn. Every picture is different,
/// and a function of seed and index alone.
class DrawnPets : public Dataset {
 public:
  /// Throws Error if count is negative, ShapeError if the size is not positive.
  explicit DrawnPets(int64_t count, DrawnPetsOptions options = {});
};

/// One picture, `side` pixels high and wide; `rng` decides everything else about it.
Image draw_pet(bool dog, int side, Rng rng);

}  // namespace tuco::data
