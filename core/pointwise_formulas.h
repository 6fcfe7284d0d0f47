// The formulas of the point-wise ops and, beside each, its gradient. There is no include guard: the
// file is included once in each namespace that computes (plain C++, each instruction set of the
// CPU, CUDA), after the functions that it uses were declared there for its value types V:
//   like(x, c)              the constant c as a value of x's type
//   exp log sqrt tanh abs   as in <cmath>
//   pow(x, e)               e is a double
//   max(a, b) min(a, b)     NaN if a is NaN
//   if_less(a, b, x, y)     a < b ? x : y
//   if_equal(a, b, x, y)    a == b ? x : y
// TUCO_FORMULA qualifies each function (inline, __device__).

template <class V>
TUCO_FORMULA V forward(const op::Affine& f, V x) {
  return x * like(x, f.scale) + like(x, f.shift);
}
template <class V>
TUCO_FORMULA V grad(const op::Affine& f, V g, V) {
  return g * like(g, f.scale);
}

template <class V>
TUCO_FORMULA V forward(const op::Power& f, V x) {
  return pow(x, f.exponent);
}
template <class V>
TUCO_FORMULA V grad(const op::Power& f, V g, V x) {
  if (f.exponent == 0) return like(x, 0);  // at 0, too
  return g * like(x, f.exponent) * pow(x, f.exponent - 1);
}

template <class V>
TUCO_FORMULA V forward(const op::Clamp& f, V x) {
  return min(max(x, like(x, f.low)), like(x, f.high));
}
template <class V>
TUCO_FORMULA V grad(const op::Clamp& f, V g, V x) {
  const V zero = like(x, 0);
  return if_less(like(x, f.low), x, if_less(x, like(x, f.high), g, zero), zero);
}

template <class V>
TUCO_FORMULA V forward(const op::Abs&, V x) {
  return abs(x);
}
template <class V>
TUCO_FORMULA V grad(const op::Abs&, V g, V x) {
  const V zero = like(x, 0);
  return if_less(x, zero, zero - g, if_less(zero, x, g, zero));
}

template <class V>
TUCO_FORMULA V forward(const op::Exp&, V x) {
  return exp(x);
}
template <class V>
TUCO_FORMULA V grad(const op::Exp&, V g, V y) {
  return g * y;
}

template <class V>
TUCO_FORMULA V forward(const op::Log&, V x) {
  return log(x);
}
template <class V>
TUCO_FORMULA V grad(const op::Log&, V g, V x) {
  return g / x;
}

template <class V>
TUCO_FORMULA V forward(const op::Sqrt&, V x) {
  return sqrt(x);
}
template <class V>
TUCO_FORMULA V grad(const op::Sqrt&, V g, V y) {
  return g / (y + y);
}

template <class V>
TUCO_FORMULA V forward(const op::Tanh&, V x) {
  return tanh(x);
}
template <class V>
TUCO_FORMULA V grad(const op::Tanh&, V g, V y) {
  return g * (like(y, 1) - y * y);
}

template <class V>
TUCO_FORMULA V forward(const op::Sigmoid&, V x) {
  const V one = like(x, 1);
  return one / (one + exp(like(x, 0) - x));
}
template <class V>
TUCO_FORMULA V grad(const op::Sigmoid&, V g, V y) {
  return g * y * (like(y, 1) - y);
}

template <class V>
TUCO_FORMULA V forward(const op::Relu&, V x) {
  return max(x, like(x, 0));
}
template <class V>
TUCO_FORMULA V grad(const op::Relu&, V g, V y) {
  const V zero = like(y, 0);
  return if_less(zero, y, g, zero);
}

template <class V>
TUCO_FORMULA V forward(const op::LeakyRelu& f, V x) {
  return if_less(x, like(x, 0), x * like(x, f.slope), x);
}
template <class V>
TUCO_FORMULA V grad(const op::LeakyRelu& f, V g, V x) {
  return if_less(like(x, 0), x, g, g * like(g, f.slope));
}

template <class V>
TUCO_FORMULA V forward(const op::HardSwish&, V x) {
  const V share = min(max(x + like(x, 3), like(x, 0)), like(x, 6));
  return x * share * like(x, 1.0 / 6);
}
template <class V>
TUCO_FORMULA V grad(const op::HardSwish&, V g, V x) {
  const V inside = g * (x * like(x, 1.0 / 3) + like(x, 0.5));
  return if_less(x, like(x, -3), like(x, 0), if_less(like(x, 3), x, g, inside));
}

template <class V>
TUCO_FORMULA V forward(const op::Elu&, V x) {
  const V zero = like(x, 0);
  return if_less(x, zero, exp(min(x, zero)) - like(x, 1), x);
}
template <class V>
TUCO_FORMULA V grad(const op::Elu&, V g, V y) {
  return if_less(y, like(y, 0), g * (y + like(y, 1)), g);
}

template <class V>
TUCO_FORMULA V forward(const op::Add&, V a, V b) {
  return a + b;
}
template <class V>
TUCO_FORMULA V forward(const op::AddRelu&, V a, V b) {
  return forward(op::Relu{}, a + b);
}
template <class V>
TUCO_FORMULA V forward(const op::Sub&, V a, V b) {
  return a - b;
}
template <class V>
TUCO_FORMULA V forward(const op::Mul&, V a, V b) {
  return a * b;
}
template <class V>
TUCO_FORMULA V forward(const op::Div&, V a, V b) {
  return a / b;
}
template <class V>
TUCO_FORMULA V forward(const op::Maximum&, V a, V b) {
  return if_equal(b, b, max(a, b), b);  // NaN if either is
}
template <class V>
TUCO_FORMULA V forward(const op::Minimum&, V a, V b) {
  return if_equal(b, b, min(a, b), b);
}
template <class V>
TUCO_FORMULA V forward(const op::PRelu&, V a, V b) {
  return if_less(a, like(a, 0), forward(op::Mul{}, a, b), a);
}
