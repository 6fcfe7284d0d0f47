// The list of point-wise ops. Each is a struct of attributes; its formula and the formula's
// gradient are in core/pointwise_formulas.h, written once for every value type and device. A device
// fills its tables from UnaryList and BinaryList; nothing else has to know a new op.
#pragma once
#include <limits>
#include <string_view>
#include <tuple>
#include <type_traits>

namespace tuco::op {

/// What the gradient of a unary formula is computed from besides the incoming gradient.
enum class From { input, output };

/// y = scale * x + shift: also x + c, c * x, -x.
struct Affine {
  static constexpr std::string_view name = "affine";
  static constexpr From grad_from = From::output;
  double scale = 1, shift = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("scale", self.scale);
    visit("shift", self.shift);
  }
};
/// y = x to the power of `exponent`.
struct Power {
  static constexpr std::string_view name = "pow";
  static constexpr From grad_from = From::input;
  double exponent = 1;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("exponent", self.exponent);
  }
};
/// y = min(max(x, low), high); the gradient passes strictly inside. ReLU6 is clamp to [0, 6].
struct Clamp {
  static constexpr std::string_view name = "clamp";
  static constexpr From grad_from = From::input;
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("low", self.low);
    visit("high", self.high);
  }
};
/// y = x from 0 on, slope * x below; at 0 the gradient takes the slope.
struct LeakyRelu {
  static constexpr std::string_view name = "leaky_relu";
  static constexpr From grad_from = From::input;
  double slope = 0.01;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("slope", self.slope);
  }
};

/// An op without attributes.
struct NoFields {
  template <class Self, class Visit>
  static void fields(Self&, Visit&&) {}
};
struct Abs : NoFields {
  static constexpr std::string_view name = "abs";
  static constexpr From grad_from = From::input;
};
struct Exp : NoFields {
  static constexpr std::string_view name = "exp";
  static constexpr From grad_from = From::output;
};
struct Log : NoFields {
  static constexpr std::string_view name = "log";
  static constexpr From grad_from = From::input;
};
struct Sqrt : NoFields {
  static constexpr std::string_view name = "sqrt";
  static constexpr From grad_from = From::output;
};
struct Tanh : NoFields {
  static constexpr std::string_view name = "tanh";
  static constexpr From grad_from = From::output;
};
struct Sigmoid : NoFields {
  static constexpr std::string_view name = "sigmoid";
  static constexpr From grad_from = From::output;
};
struct Relu : NoFields {
  static constexpr std::string_view name = "relu";
  static constexpr From grad_from = From::output;
};
/// y = x * min(max(x + 3, 0), 6) / 6 (Howard et al., arXiv:1905.02244).
struct HardSwish : NoFields {
  static constexpr std::string_view name = "hard_swish";
  static constexpr From grad_from = From::input;
};

/// y = x from 0 on, exp(x) - 1 below (Clevert et al., arXiv:1511.07289).
struct Elu : NoFields {
  static constexpr std::string_view name = "elu";
  static constexpr From grad_from = From::output;
};

/// Arithmetic of two tensors that broadcast.
struct Add : NoFields {
  static constexpr std::string_view name = "add";
};
struct Sub : NoFields {
  static constexpr std::string_view name = "sub";
};
struct Mul : NoFields {
  static constexpr std::string_view name = "mul";
};
struct Div : NoFields {
  static constexpr std::string_view name = "div";
};
struct Maximum : NoFields {
  static constexpr std::string_view name = "maximum";
};
struct Minimum : NoFields {
  static constexpr std::string_view name = "minimum";
};
/// y = a from 0 on, a * b below: b is the slope (He et al., arXiv:1502.01852); at 0 the gradient of
/// a takes the slope.
struct PRelu : NoFields {
  static constexpr std::string_view name = "prelu";
};
/// relu(a + b), which lowers into the two.
struct AddRelu : NoFields {
  static constexpr std::string_view name = "add_relu";
};
/// Comparisons; the result is bool.
struct Equal : NoFields {
  static constexpr std::string_view name = "equal";
};
struct Less : NoFields {
  static constexpr std::string_view name = "less";
};
struct LessEqual : NoFields {
  static constexpr std::string_view name = "less_equal";
};

/// A list of types.
template <class... T>
struct TypeList {
  static constexpr int size = sizeof...(T);
};

using UnaryList = TypeList<Affine, Power, Clamp, Abs, Exp, Log, Sqrt, Tanh, Sigmoid, Relu,
                           LeakyRelu, HardSwish, Elu>;
using BinaryList = TypeList<Add, Sub, Mul, Div, Maximum, Minimum, PRelu, AddRelu>;
using CompareList = TypeList<Equal, Less, LessEqual>;

template <class T, class List>
inline constexpr bool in_list = false;
template <class T, class... Members>
inline constexpr bool in_list<T, TypeList<Members...>> = (std::is_same_v<T, Members> || ...);

/// Position of T in a TypeList.
template <class T, class List>
inline constexpr int index_in = -1;
template <class T, class... Members>
inline constexpr int index_in<T, TypeList<Members...>> = [] {
  int index = 0;
  (void)((std::is_same_v<T, Members> ? true : (++index, false)) || ...);
  return index;
}();

template <class T>
concept Unary = in_list<T, UnaryList>;
template <class T>
concept Binary = in_list<T, BinaryList>;
template <class T>
concept Compare = in_list<T, CompareList>;

/// The gradient kernel of a unary op: inputs (gradient, input or output as F::grad_from says).
template <Unary F>
struct UnaryGrad {
  static constexpr std::string_view name = "unary_grad";
  F forward;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    F::fields(self.forward, visit);
  }
};

}  // namespace tuco::op
