// The formulas of core/pointwise_formulas.h in plain C++: the oracle of the vector ones.
#pragma once
#include <cmath>

#include "tuco/core/pointwise.h"
#include "tuco/core/convert.h"

namespace tuco::cpu::plain {

using std::abs, std::exp, std::log, std::sqrt, std::tanh;
template <class T>
T like(T, double c) {
  return convert<T>(c);
}
template <class T>
T pow(T x, double e) {
  if (e == 2) return x * x;
  return static_cast<T>(std::pow(x, e));
}
template <class T>
T max(T a, T b) {
  return a < b ? b : a;
}
template <class T>
T min(T a, T b) {
  return b < a ? b : a;
}
template <class T>
T if_less(T a, T b, T x, T y) {
  return a < b ? x : y;
}
template <class T>
T if_equal(T a, T b, T x, T y) {
  return a == b ? x : y;
}
#define TUCO_FORMULA inline
#include "tuco/core/pointwise_formulas.h"
#undef TUCO_FORMULA

inline bool forward(const op::Equal&, auto a, auto b) { return a == b; }
inline bool forward(const op::Less&, auto a, auto b) { return a < b; }
inline bool forward(const op::LessEqual&, auto a, auto b) { return a <= b; }

}  // namespace tuco::cpu::plain
