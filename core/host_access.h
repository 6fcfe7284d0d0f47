// A guard that forbids host code to read tensors' values on this thread: tracing holds one, since a
// graph cannot depend on a value.
#pragma once

namespace tuco {

/// While one lives, Tensor::data, item and to_vector throw Error on this thread.
class ForbidHostAccess {
 public:
  ForbidHostAccess();
  ~ForbidHostAccess();
  ForbidHostAccess(const ForbidHostAccess&) = delete;
  ForbidHostAccess& operator=(const ForbidHostAccess&) = delete;
  static bool active();

 private:
  bool before_;
};

}  // namespace tuco
