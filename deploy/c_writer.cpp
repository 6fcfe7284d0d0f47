#include "tuco/deploy/c_writer.h"

namespace tuco::deploy {

std::string CWriter::identifier(std::string_view what) {
  return fmt::format("{}_{}_{}", prefix_, what, node_);
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
  constant_bytes_ += static_cast<int64_t>(values.size()) * (type == "int8_t" ? 1 : 4);
  return id;
}

std::string CWriter::structure(std::string_view type, std::string_view what,
                               const std::string& members) {
  const std::string id = identifier(what);
  constants_ += fmt::format("static const {} {} = {{{}}};\n", type, id, members);
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

std::string CWriter::buffer(int value) const {
  return offsets_[value] == 0 ? "arena" : fmt::format("arena + {}", offsets_[value]);
}

}  // namespace tuco::deploy
