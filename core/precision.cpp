#include "tuco/core/precision.h"

#include <atomic>

namespace tuco {
namespace {

std::atomic<Float32Precision> current = Float32Precision::full;

}  // namespace

void set_float32_precision(Float32Precision precision) { current = precision; }
Float32Precision float32_precision() { return current; }

}  // namespace tuco
