#include "tuco/data/image_cache.h"

namespace tuco::data {

std::shared_ptr<const Image> ImageCache::get(int64_t index, const std::function<Image()>& make) {
  auto& slot = images_[static_cast<size_t>(index)];
  {
    std::lock_guard lock(mutex_);
    if (slot) return slot;
  }
  auto image = std::make_shared<const Image>(make());
  std::lock_guard lock(mutex_);
  if (!slot && image->pixels.size() <= left_) {
    left_ -= image->pixels.size();
    slot = image;
  }
  return image;
}

}  // namespace tuco::data
