// Files made by the tests themselves: small pictures, their JPEG and PNG files, and tar archives.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "tests/support/temporary_folder.h"
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

}  // namespace tuco::test
