// ImageFolder: photographs sorted into one folder for each class, on disk or in a tar archive.
#pragma once
#include <filesystem>

#include "tuco/core/ops/window.h"
#include "tuco/data/dataset.h"

namespace tuco::data {

/// What to do about a file that cannot be decoded.
enum class OnCorrupt {
  /// Throw FormatError when it is read.
  refuse,
  /// Decode every file at the start, name bad ones on stderr, and leave them out.
  skip,
};

struct ImageFolderOptions {
  /// What the network sees: one number for a square, or {height, width}.
  Hw size = 96;
  /// 1 for grey, 3 for colour.
  int channels = 3;
  ResizeRule resize = ResizeRule::cover;
  /// Random changes in training, such as standard(); none by default.
  Transforms augment = {};
  OnCorrupt on_corrupt = OnCorrupt::refuse;
  /// The most memory for keeping decoded images, in bytes.
  size_t cache_bytes = size_t{512} << 20;
};

/// The JPEG and PNG files in the folders of `path`: each folder is a class, in the order of their
/// names, and so are the files.
class ImageFolder : public Dataset {
 public:
  /// `path` is a folder, or leads into a .tar or .tar.gz: "pets.tar/train" means the folder "train"
  /// in it, also where the archive has all of it in one folder "pets". Throws IoError if there is
  /// no such place, FormatError if an archive is damaged or no class folder with images is found;
  /// the text says where there are any.
  explicit ImageFolder(const std::filesystem::path& path, ImageFolderOptions options = {});
};

}  // namespace tuco::data
