// How numbers are written for people.
#pragma once
#include <cstdint>
#include <string>

namespace tuco {

/// A whole number with a comma before each group of three digits: "-1,234,567".
std::string grouped(int64_t number);

}  // namespace tuco
