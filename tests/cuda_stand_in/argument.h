// An argument of a kernel, as its launch hands it over.
#pragma once
#include <cstddef>

namespace standin {

struct Argument {
  const void* bytes;
  std::size_t size;
  bool is_pointer;
  /// Whether every byte belongs to a member: else some may hold anything, an address among others.
  bool is_full;
};

}  // namespace standin
