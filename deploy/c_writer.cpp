#include "tuco/deploy/c_writer.h"

namespace tuco::deploy {

void CWriter::begin_node(int number, const std::string& comment) {
  node_ = number;
  comment_ = comment;
  body_.clear();
  node_bytes_.resize(number + 1);
}

void CWriter::end_node() {
  if (body_.empty()) {
    functions_ +=
        fmt::format("/* {}: {}; no code, the bytes stay where they are. */\n\n", node_, comment_);
    return;
  }
  functions_ += fmt::format(
      "/* {0}: {1}. */\nTUCO_NOINLINE static void {2}_layer_{0}(int8_t* arena) {{\n{3}}}\n\n",
      node_, comment_, prefix_, body_);
  calls_ += fmt::format("  {}_layer_{}(arena);\n", prefix_, node_);
}

std::string CWriter::identifier(std::string_view what) const {
  return fmt::format("{}_{}_{}", prefix_, what, node_);
}

void CWriter::count(std::string_view what, int64_t bytes) {
  for (ConstantBytes* sum : {&bytes_, &node_bytes_.at(node_)}) {
    if (what == "channels") {  // biases and multipliers in turn
      sum->biases += bytes / 2;
      sum->multipliers += bytes / 2;
      continue;
    }
    (what == "weight"                          ? sum->weights
     : what == "bias"                          ? sum->biases
     : what == "multiplier" || what == "shift" ? sum->multipliers
                                               : sum->others) += bytes;
  }
}

std::string CWriter::array(std::string_view type, std::string_view what,
                           const std::vector<int32_t>& values) {
  const std::string id = identifier(what);
  std::string text = fmt::format("static const {} {}[{}] = {{", type, id, values.size());
  std::string row;
  for (size_t i = 0; i < values.size(); ++i) {
    // The smallest int32 has no literal of its own type.
    const std::string number =
        values[i] == INT32_MIN ? "(-2147483647 - 1)" : fmt::format("{}", values[i]);
    if (row.size() + number.size() > 96) {
      text += "\n  " + row;
      row.clear();
    }
    row += number;
    row += i + 1 < values.size() ? "," : "";
  }
  constants_ += text + "\n  " + row + "};\n";
  count(what, static_cast<int64_t>(values.size()) * (type == "int8_t"    ? 1
                                                     : type == "int16_t" ? 2
                                                                         : 4));
  return id;
}

std::string CWriter::structure(std::string_view type, std::string_view what,
                               const std::string& members, int64_t size) {
  const std::string id = identifier(what);
  constants_ += fmt::format("static const {} {} = {{{}}};\n", type, id, members);
  count(what, size);
  return id;
}

std::string CWriter::constant(int value, std::string_view what) {
  const Tensor& tensor = graph_.values[value].constant;
  std::vector<int32_t> values;
  if (tensor.dtype() == DType::int8) {
    for (const int8_t v : tensor.to_vector<int8_t>()) values.push_back(v);
    return array("int8_t", what, values);
  }
  return array("int32_t", what, tensor.to_vector<int32_t>());
}

}  // namespace tuco::deploy
