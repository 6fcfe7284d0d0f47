#include "tuco/core/ops/any.h"

#include <fmt/format.h>

namespace tuco {

op::Any::Any() = default;
op::Any::~Any() = default;
op::Any::Any(const Any& other) = default;
op::Any::Any(Any&& other) noexcept = default;
op::Any& op::Any::operator=(const Any& other) = default;
op::Any& op::Any::operator=(Any&& other) noexcept = default;

namespace {

std::string text(Hw hw) { return fmt::format("({}, {})", hw.h, hw.w); }
std::string text(const Padding& p) {
  return fmt::format("({}, {}, {}, {})", p.top, p.bottom, p.left, p.right);
}
std::string text(const Multiplier& m) { return fmt::format("({}, {})", m.value, m.shift); }
std::string text(Rounding rounding) { return rounding == Rounding::kDouble ? "double" : "single"; }
template <class T>
std::string text(const T& value) {
  return fmt::format("{}", value);
}

struct Printer {
  std::string text_;
  template <class T>
  void operator()(std::string_view name, const T& value) {
    text_ += fmt::format("{}{}={}", text_.empty() ? "" : ", ", name, text(value));
  }
};

}  // namespace

std::string name(const op::Any& any) {
  return std::visit(
      []<class Op>(const Op& op) {
        if constexpr (std::is_same_v<Op, op::Custom>)
          return op.implementation->name();
        else if constexpr (requires { op.forward; })
          return fmt::format("{}_grad", op.forward.name);
        else
          return std::string(Op::name);
      },
      any);
}

std::string to_string(const op::Any& any) {
  Printer printer;
  std::visit([&]<class Op>(const Op& op) { Op::fields(op, printer); }, any);
  return printer.text_.empty() ? name(any) : fmt::format("{}({})", name(any), printer.text_);
}

}  // namespace tuco
