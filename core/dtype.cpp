#include "tuco/core/dtype.h"

#include "tuco/core/error.h"

namespace tuco {
namespace {

struct Entry {
  std::string_view name;
  size_t size;
};
constexpr Entry kTypes[] = {{"float32", 4}, {"float64", 8}, {"float16", 2}, {"bfloat16", 2},
                            {"int8", 1},    {"uint8", 1},   {"int16", 2},   {"int32", 4},
                            {"int64", 8},   {"bool", 1}};

}  // namespace

std::string_view name(DType dtype) { return kTypes[static_cast<int>(dtype)].name; }
size_t size_of(DType dtype) { return kTypes[static_cast<int>(dtype)].size; }

void unsupported_dtype(std::string_view op, DType dtype) {
  fail<DTypeError>("{}: no kernel for {}", op, dtype);
}

}  // namespace tuco
