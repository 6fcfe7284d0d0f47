// Tar archives (ustar, with the long names of pax and GNU), read in place: a listing, and then any
// entry by its position. Only plain files matter to a data set; everything else is passed over.
#pragma once
#include <string>
#include <vector>

#include "tuco/core/file.h"

namespace tuco::data {

/// A plain file inside an archive.
struct TarEntry {
  std::string name;
  /// Where its bytes start in the archive, and how many there are.
  uint64_t offset = 0, size = 0;
};

/// The plain files of an archive, in its order; leading "./" are taken off the names. Throws
/// FormatError naming the archive and the position if a header's checksum is wrong, a number is
/// malformed, or a member reaches past the end.
std::vector<TarEntry> list_tar(const File& archive);

}  // namespace tuco::data
