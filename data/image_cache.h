// ImageCache: decoded images kept in memory as far as a budget reaches. Decoding a photograph takes
// half as long as augmenting it, so keeping it is worth its memory where there is enough.
#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "tuco/data/image.h"

namespace tuco::data {

/// Images by number; safe from several threads.
class ImageCache {
 public:
  /// Keeps at most `budget` bytes of pixels; the first ones that come stay.
  ImageCache(int64_t size, size_t budget) : images_(static_cast<size_t>(size)), left_(budget) {}

  /// The kept image, or what `make` gives, kept if there is room.
  std::shared_ptr<const Image> get(int64_t index, const std::function<Image()>& make);

 private:
  std::mutex mutex_;
  std::vector<std::shared_ptr<const Image>> images_;
  size_t left_;
};

}  // namespace tuco::data
