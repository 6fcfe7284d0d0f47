// Preprocessing: what turns a picture file into a network's input. It travels with the model (in
// the checkpoint, the .tuco file and the generated C header), and every program that runs the model
// reads it there.
#pragma once
#include <map>
#include <string>
#include <vector>

namespace tuco {

/// How a picture of another size becomes height x width.
enum class ResizeRule {
  /// Scale until it covers the frame, keep the aspect, cut the middle out.
  cover,
  /// Scale both sides to fit, whatever happens to the aspect.
  stretch,
};

/// The recipe from decoded pixels to a (height, width, channels) input, and the names of the
/// classes that come out. value = (pixel - mean) / deviation, with pixels in 0 to 255.
struct Preprocessing {
  int height = 0, width = 0;
  /// 1 is grey, 3 is colour in the order that `channel_order` says.
  int channels = 3;
  std::string channel_order = "RGB";
  ResizeRule resize = ResizeRule::cover;
  /// The same for all channels, so that int8 inputs are simply pixel - 128 (see deploy/quantize.h).
  float mean = 128, deviation = 64;
  std::vector<std::string> class_names;

  friend bool operator==(const Preprocessing&, const Preprocessing&) = default;
};

/// As text entries under keys that start with "tuco.", for a file's metadata.
std::map<std::string, std::string> to_metadata(const Preprocessing& preprocessing);
/// Reads what `to_metadata` wrote; other keys are ignored. Throws FormatError on a missing or
/// malformed entry.
Preprocessing preprocessing_from(const std::map<std::string, std::string>& metadata);
/// Whether the metadata has a Preprocessing in it.
bool has_preprocessing(const std::map<std::string, std::string>& metadata);

}  // namespace tuco
