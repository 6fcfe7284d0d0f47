// A constant operand in the forms that kernels want: weights packed into panels, transformed, ...
// Which form a kernel takes depends on the size of the images, so each is made the first time it is
// asked for, and then kept.
#pragma once
#include <array>
#include <memory>
#include <mutex>

#include "tuco/devices/cpu/aligned_bytes.h"
#include "tuco/devices/cpu/scratch.h"

namespace tuco::cpu {

/// Which form. Panels of one to three vectors differ; so do the transforms.
enum class Form {
  panels1,
  panels2,
  panels3,
  matrix,
  depthwise,
  depthwise_folded,
  winograd2,
  winograd4,
  count
};

/// The forms made so far. Threads may share it; it fits the instruction set in use at its first
/// use.
class PackedForms {
 public:
  /// The form, made by make() (which returns a T by value) if this is the first call for it.
  template <class T, class Make>
  const T& get(Form form, Make&& make) const {
    Slot& slot = slots_[static_cast<size_t>(form)];
    std::call_once(slot.once, [&] { slot.value = std::make_shared<T>(make()); });
    return *static_cast<const T*>(slot.value.get());
  }

 private:
  struct Slot {
    std::once_flag once;
    std::shared_ptr<void> value;
  };
  mutable std::array<Slot, static_cast<size_t>(Form::count)> slots_;
};

/// `count` floats that fill(float*) makes: those kept in `forms`, or new ones in `scratch` if it is
/// null.
template <class Fill>
const float* packed_form(const PackedForms* forms, Form form, int64_t count, Scratch& scratch,
                         Fill&& fill) {
  if (!forms) {
    float* made = scratch.get<float>(count);
    fill(made);
    return made;
  }
  const auto make = [&] {
    AlignedBytes made(static_cast<size_t>(count) * sizeof(float));
    fill(made.as<float>());
    return made;
  };
  return forms->get<AlignedBytes>(form, make).template as<float>();
}

}  // namespace tuco::cpu
