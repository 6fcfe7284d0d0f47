#include "tuco/core/preprocessing.h"

#include <charconv>

#include "tuco/core/error.h"

namespace tuco {
namespace {

using Metadata = std::map<std::string, std::string>;

constexpr const char* kHeight = "tuco.input_height";
constexpr const char* kWidth = "tuco.input_width";
constexpr const char* kChannels = "tuco.input_channels";
constexpr const char* kOrder = "tuco.channel_order";
constexpr const char* kResize = "tuco.resize";
constexpr const char* kMean = "tuco.mean";
constexpr const char* kDeviation = "tuco.deviation";
constexpr const char* kClasses = "tuco.class_names";

const std::string& text_of(const Metadata& metadata, const char* key) {
  const auto found = metadata.find(key);
  require<FormatError>(found != metadata.end(), "metadata: no entry '{}'", key);
  return found->second;
}

template <class T>
T number_of(const Metadata& metadata, const char* key, T low, T high) {
  const std::string& text = text_of(metadata, key);
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  require<FormatError>(
      error == std::errc{} && end == text.data() + text.size() && value >= low && value <= high,
      "metadata: '{}' is '{}', expected a number from {} to {}", key, text, low, high);
  return value;
}

/// Names one a line; a backslash before what would end one.
std::string join(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    for (const char c : name) {
      if (c == '\n' || c == '\\') text += '\\';
      text += c;
    }
    text += '\n';
  }
  return text;
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> names;
  std::string name;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') {
      names.push_back(std::move(name));
      name.clear();
      continue;
    }
    if (text[i] == '\\') ++i;
    require<FormatError>(i < text.size(), "metadata: '{}' ends in a backslash", kClasses);
    name += text[i];
  }
  require<FormatError>(name.empty(), "metadata: '{}' does not end in a line break", kClasses);
  return names;
}

}  // namespace

Metadata to_metadata(const Preprocessing& p) {
  // The shortest text that reads back as the same float.
  const auto shortest = [](float value) { return fmt::format("{}", value); };
  return {{kHeight, std::to_string(p.height)},
          {kWidth, std::to_string(p.width)},
          {kChannels, std::to_string(p.channels)},
          {kOrder, p.channel_order},
          {kResize, p.resize == ResizeRule::cover ? "cover" : "stretch"},
          {kMean, shortest(p.mean)},
          {kDeviation, shortest(p.deviation)},
          {kClasses, join(p.class_names)}};
}

Preprocessing preprocessing_from(const Metadata& metadata) {
  constexpr int kMaxSide = 1 << 16;
  constexpr float kMaxValue = 1e6f;
  Preprocessing p;
  p.height = number_of(metadata, kHeight, 0, kMaxSide);
  p.width = number_of(metadata, kWidth, 0, kMaxSide);
  p.channels = number_of(metadata, kChannels, 1, kMaxSide);
  p.channel_order = text_of(metadata, kOrder);
  require<FormatError>(p.channel_order == "RGB" || p.channel_order == "BGR",
                       "metadata: '{}' is '{}', expected RGB or BGR", kOrder, p.channel_order);
  const std::string& rule = text_of(metadata, kResize);
  require<FormatError>(rule == "cover" || rule == "stretch",
                       "metadata: '{}' is '{}', expected cover or stretch", kResize, rule);
  p.resize = rule == "cover" ? ResizeRule::cover : ResizeRule::stretch;
  p.mean = number_of(metadata, kMean, -kMaxValue, kMaxValue);
  p.deviation = number_of(metadata, kDeviation, 1e-6f, kMaxValue);
  p.class_names = split(text_of(metadata, kClasses));
  return p;
}

bool has_preprocessing(const Metadata& metadata) { return metadata.contains(kHeight); }

}  // namespace tuco
