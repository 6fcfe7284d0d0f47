#include "tuco/bench/mcu/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <regex>

namespace tuco::bench {
namespace {

/// 7,697,258.
std::string grouped(int64_t number) {
  std::string text = fmt::format("{}", number);
  for (int at = static_cast<int>(text.size()) - 3; at > 0; at -= 3) text.insert(at, ",");
  return text;
}

std::string ratio(int64_t instructions, int64_t products) {
  return products ? fmt::format("{:.2f}", static_cast<double>(instructions) / products) : "-";
}

/// Code and constants that are there whatever the weights: the column of the targets.
int64_t own_bytes(const Bytes& bytes) { return bytes.code + bytes.others + bytes.padding; }

std::string optimization(const Variant& variant) {
  return fmt::format("-O{}{}{}", variant.optimize, variant.flags.empty() ? "" : " ",
                     fmt::join(variant.flags, " "));
}

/// The name without what the compiler appended.
std::string comment_of(const Model& model, const std::string& function) {
  const auto found = model.layers.find(function.substr(0, function.find('.')));
  return found == model.layers.end() ? "" : found->second;
}

using Cells = std::vector<std::string>;

const Cells kColumns = {"model",       "board", "core",  "options",     "instructions", "products",
                        "per product", "code",  "other", "code+other*", "weights",      "biases",
                        "multipliers", "arena", "RAM",   "stack",       "image",        "output"};

Cells cells_of(const Row& row) {
  Cells cells = {row.model->name, row.variant.board.name, row.variant.board.core,
                 optimization(row.variant)};
  if (row.measures) {
    const Measures& m = *row.measures;
    cells.push_back(grouped(m.instructions));
    cells.push_back(row.products() ? grouped(row.products()) : "-");
    cells.push_back(ratio(m.instructions, row.products()));
    for (const int64_t number :
         {m.model.code, m.model.others, own_bytes(m.model), m.model.weights, m.model.biases,
          m.model.multipliers, row.model->arena, m.model_ram, m.stack, m.image})
      cells.push_back(grouped(number));
  }
  cells.resize(kColumns.size() - 1, "-");
  cells.push_back(row.verdict());
  return cells;
}

/// Lines up columns: the first four and the last to the left, the numbers to the right.
std::string lined_up(const std::vector<Cells>& lines, bool markdown) {
  std::vector<size_t> widths(lines.at(0).size());
  for (const Cells& line : lines)
    for (size_t c = 0; c < line.size(); ++c) widths[c] = std::max(widths[c], line[c].size());
  std::string text;
  for (size_t l = 0; l < lines.size(); ++l) {
    std::string row;
    for (size_t c = 0; c < lines[l].size(); ++c) {
      const bool left = c < 4 || c + 1 == lines[l].size();
      if (markdown)
        row += fmt::format("| {} ", lines[l][c]);
      else
        row += left ? fmt::format("{:<{}}  ", lines[l][c], widths[c])
                    : fmt::format("{:>{}}  ", lines[l][c], widths[c]);
    }
    if (markdown) row += "|";
    text += row.substr(0, row.find_last_not_of(' ') + 1) + "\n";
    if (markdown && l == 0) {
      for (size_t c = 0; c < lines[l].size(); ++c) text += "|---";
      text += "|\n";
    }
  }
  return text;
}

std::string table(const std::vector<Row>& rows, bool markdown) {
  std::vector<Cells> lines = {kColumns};
  for (const Row& row : rows) lines.push_back(cells_of(row));
  return lined_up(lines, markdown) + (markdown ? "\n" : "") +
         "* without weights, biases, per-channel multipliers and shifts\n";
}

nlohmann::ordered_json json_of(const Bytes& bytes) {
  return {{"code", bytes.code},     {"weights", bytes.weights},
          {"biases", bytes.biases}, {"multipliers", bytes.multipliers},
          {"other", bytes.others},  {"padding", bytes.padding},
          {"total", bytes.total()}, {"code_and_other", own_bytes(bytes)}};
}

}  // namespace

int64_t Row::products() const {
  int64_t sum = 0;
  for (const auto& [function, comment] : model->layers) sum += products_of(comment);
  return sum;
}

bool Row::good() const {
  return measures && measures->touched == 0 && (model->outputs.empty() || measures->differing == 0);
}

std::string Row::verdict() const {
  if (!measures) {
    // Of all that the linker says of an image that is too large this is what matters.
    static const std::regex kTooLarge("region `(\\w+)' overflowed by ([0-9]+) bytes");
    std::smatch match;
    if (std::regex_search(error, match, kTooLarge))
      return fmt::format("too large: {} bytes more than {}", match[2].str(), match[1].str());
    return "FAILED";
  }
  if (measures->touched) return fmt::format("{} bytes beside the arena written", measures->touched);
  if (model->outputs.empty()) return "not compared";
  if (measures->differing)
    return fmt::format("{} of {} bytes DIFFER", measures->differing, model->outputs.size());
  return fmt::format("{} bytes equal", model->outputs.size());
}

std::string text_table(const std::vector<Row>& rows) { return table(rows, false); }
std::string markdown_table(const std::vector<Row>& rows) { return table(rows, true); }

std::string json(const std::vector<Row>& rows) {
  auto list = nlohmann::ordered_json::array();
  for (const Row& row : rows) {
    nlohmann::ordered_json entry = {{"model", row.model->name},
                                    {"path", row.model->path.string()},
                                    {"board", row.variant.board.name},
                                    {"core", row.variant.board.core},
                                    {"options", optimization(row.variant)},
                                    {"good", row.good()},
                                    {"verdict", row.verdict()}};
    if (row.measures) {
      const Measures& m = *row.measures;
      entry["instructions"] = m.instructions;
      entry["products"] = row.products();
      entry["bytes"] = json_of(m.model);
      entry["bytes_of_support"] = json_of(m.support);
      entry["arena"] = row.model->arena;
      entry["ram_besides_arena"] = m.model_ram;
      entry["stack"] = m.stack;
      entry["image"] = m.image;
      entry["layers"] = nlohmann::ordered_json::array();
      for (const Call& call : m.calls) {
        const std::string comment = comment_of(*row.model, call.function);
        entry["layers"].push_back({{"function", call.function},
                                   {"layer", comment},
                                   {"instructions", call.instructions},
                                   {"products", products_of(comment)}});
      }
      for (const Call& f : m.functions) entry["functions"][f.function] = f.instructions;
      for (const auto& [name, size] : m.symbols) entry["symbols"][name] = size;
    } else {
      entry["error"] = row.error;
    }
    list.push_back(entry);
  }
  return list.dump(1) + "\n";
}

std::string layer_table(const Row& row) {
  if (!row.measures) return "";
  std::string text = fmt::format("\n{} on {}, {}\n{:>12}  {:>11}  {:>11}\n", row.model->name,
                                 row.variant.board.name, optimization(row.variant), "instructions",
                                 "products", "per product");
  for (const Call& call : row.measures->calls) {
    const std::string comment = comment_of(*row.model, call.function);
    const int64_t products = products_of(comment);
    text += fmt::format("{:>12}  {:>11}  {:>11}  {}{}{}\n", grouped(call.instructions),
                        products ? grouped(products) : "-", ratio(call.instructions, products),
                        call.function, comment.empty() ? "" : ": ",
                        comment.substr(0, comment.rfind(", ")));
  }
  return text;
}

std::string function_table(const Row& row, int most) {
  if (!row.measures) return "";
  std::string text =
      fmt::format("\n{} on {}, {}\n{:>12}  {:>5}\n", row.model->name, row.variant.board.name,
                  optimization(row.variant), "instructions", "bytes");
  for (const Call& f : row.measures->functions) {
    if (most-- == 0) break;
    const auto size = row.measures->symbols.find(f.function);
    text +=
        fmt::format("{:>12}  {:>5}  {}\n", grouped(f.instructions),
                    size == row.measures->symbols.end() ? "-" : grouped(size->second), f.function);
  }
  return text;
}

}  // namespace tuco::bench
