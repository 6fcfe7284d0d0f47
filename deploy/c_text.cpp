#include "tuco/deploy/c_text.h"

#include <fmt/format.h>

#include "tuco/deploy/ops/emit.h"

namespace tuco::deploy {
namespace {

constexpr size_t kLineWidth = 96;

std::string identifier(const Constant& constant, const std::string& prefix) {
  return fmt::format("{}_{}_{}", prefix, constant.what, constant.layer);
}

std::string argument_text(const Argument& argument, const Program& program,
                          const std::string& prefix) {
  switch (argument.kind) {
    case Argument::Kind::kInteger:
      break;
    case Argument::Kind::kRounding:
      return std::string(rounding_name(static_cast<Rounding>(argument.value)));
    case Argument::Kind::kPlace:
      return place_text(argument.value);
    case Argument::Kind::kScratch:
      return fmt::format("(int16_t*)(void*)({})", place_text(argument.value));
    case Argument::Kind::kConstant: {
      const Constant& constant = program.constants()[argument.value];
      return (constant.is_struct() ? "&" : "") + identifier(constant, prefix);
    }
    case Argument::Kind::kNull:
      return "NULL";
  }
  return fmt::format("{}", argument.value);
}

std::string arguments_text(const std::vector<Argument>& arguments, const Program& program,
                           const std::string& prefix) {
  std::string text;
  for (const Argument& argument : arguments)
    text += (text.empty() ? "" : ", ") + argument_text(argument, program, prefix);
  return text;
}

std::string members_text(const Constant& constant, const Program& program,
                         const std::string& prefix) {
  std::string text;
  for (const Member& member : constant.members) {
    const std::string elements = arguments_text(member.elements, program, prefix);
    text +=
        (text.empty() ? "" : ", ") + (member.elements.size() > 1 ? "{" + elements + "}" : elements);
  }
  return text;
}

std::string elements_text(const std::vector<int32_t>& values) {
  std::string text, row;
  for (size_t i = 0; i < values.size(); ++i) {
    // The smallest int32 has no literal of its own type.
    const std::string number =
        values[i] == INT32_MIN ? "(-2147483647 - 1)" : fmt::format("{}", values[i]);
    if (row.size() + number.size() > kLineWidth) {
      text += "\n  " + row;
      row.clear();
    }
    row += number;
    row += i + 1 < values.size() ? "," : "";
  }
  return text + "\n  " + row;
}

}  // namespace

std::string place_text(int64_t offset) {
  return offset == 0 ? "arena" : fmt::format("arena + {}", offset);
}

std::string constants_text(const Program& program, const std::string& prefix) {
  std::string text;
  for (const Constant& constant : program.constants()) {
    const std::string name = identifier(constant, prefix);
    if (constant.is_struct())
      text += fmt::format("static const {} {} = {{{}}};\n", constant.type, name,
                          members_text(constant, program, prefix));
    else
      text += fmt::format("static const {} {}[{}] = {{{}}};\n", constant.type, name,
                          constant.values.size(), elements_text(constant.values));
  }
  return text;
}

std::string states_text(const Program& program, const std::string& prefix) {
  std::string text;
  for (const InitialState& state : program.states()) {
    const std::string initial = argument_text(state.initial, program, prefix);
    const bool is_copy = state.initial.kind == Argument::Kind::kConstant;
    text += fmt::format("  {}({}, {}{}, {});\n", is_copy ? "tuco_copy" : "tuco_fill",
                        argument_text(state.place, program, prefix),
                        is_copy ? "(const int8_t*)" : "", initial, state.bytes);
  }
  return text;
}

LayersText layers_text(const Program& program, const std::string& prefix,
                       const std::vector<std::string>& comments) {
  LayersText text;
  for (size_t i = 0; i < comments.size(); ++i) {
    const std::vector<Call>& calls = program.layers()[i];
    if (calls.empty()) {
      text.functions +=
          fmt::format("/* {}: {}; no code, the bytes stay where they are. */\n\n", i, comments[i]);
      continue;
    }
    text.functions += fmt::format(
        "/* {0}: {1}. */\nTUCO_NOINLINE static void {2}_layer_{0}"
        "(int8_t* arena) {{\n",
        i, comments[i], prefix);
    for (const Call& call : calls)
      text.functions += fmt::format("  tuco_{}({});\n", call.kernel,
                                    arguments_text(call.arguments, program, prefix));
    text.functions += "}\n\n";
    text.calls += fmt::format("  {}_layer_{}(arena);\n", prefix, i);
  }
  return text;
}

}  // namespace tuco::deploy
