// Files made by the tests themselves: small pictures, their JPEG and PNG files, tar archives, and a
// folder that goes away again.
#pragma once
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "tuco/core/file.h"
#include "tuco/data/image.h"

namespace tuco::test {

/// A smooth picture with an edge in it; `variant` shifts its colours.
data::Image sample_image(int height, int width, int channels, int variant = 0);

/// A JPEG file of the image. `orientation` adds an EXIF entry where it is not 0.
Bytes jpeg_of(const data::Image& image, int quality = 95, bool progressive = false,
              int orientation = 0);
Bytes png_of(const data::Image& image);

/// A ustar archive of plain files; names longer than 100 bytes get the header that `long_names`
/// says: 'L' for GNU's, 'x' for pax.
Bytes tar_of(const std::vector<std::pair<std::string, Bytes>>& files, char long_names = 'x');

/// An empty folder of its own that is removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  /// Writes a file into it, with the folders on the way.
  std::filesystem::path write(const std::string& name, const Bytes& bytes) const;

 private:
  std::filesystem::path path_;
};

/// The text of the E that `f` throws; an empty one where it throws nothing, which no test expects.
template <class E, class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const E& error) {
    return error.what();
  }
  return {};
}

}  // namespace tuco::test
