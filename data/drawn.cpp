#include "tuco/data/drawn.h"

#include "tuco/core/error.h"
#include "tuco/data/image_cache.h"

namespace tuco::data {
namespace {

/// Pictures are drawn larger than they are seen, so that crops in them stay sharp.
int drawn_side(int size) { return size + size / 4; }

class DrawnSource : public PictureSource {
 public:
  DrawnSource(int64_t count, const DrawnPetsOptions& options, Preprocessing preprocessing)
      : PictureSource(std::move(preprocessing), options.augment),
        count_(count),
        seed_(options.seed),
        cache_(count, options.cache_bytes) {}

  int64_t size() const override { return count_; }
  int64_t label(int64_t index) const override { return index % 2; }
  std::shared_ptr<const Image> image(int64_t index) const override {
    return cache_.get(index, [&] {
      return draw_pet(label(index) == 1, drawn_side(preprocessing_.height),
                      Rng(seed_).split(static_cast<uint64_t>(index)));
    });
  }

 private:
  int64_t count_;
  uint64_t seed_;
  mutable ImageCache cache_;
};

std::shared_ptr<const Source> make_source(int64_t count, const DrawnPetsOptions& options) {
  require<Error>(count >= 0, "DrawnPets: {} pictures", count);
  require<ShapeError>(options.size > 0, "DrawnPets: size {}", options.size);
  Preprocessing preprocessing;
  preprocessing.height = preprocessing.width = options.size;
  preprocessing.class_names = {"cat", "dog"};
  return std::make_shared<DrawnSource>(count, options, std::move(preprocessing));
}

}  // namespace

DrawnPets::DrawnPets(int64_t count, DrawnPetsOptions options)
    : Dataset(make_source(count, options)) {}

}  // namespace tuco::data
