// MNIST: handwritten digits (LeCun, Cortes, Burges, 1998), 28 x 28 grey, in its four IDX files.
#pragma once
#include <filesystem>

#include "tuco/data/dataset.h"

namespace tuco::data {

/// Which part of a data set that comes divided.
enum class Split { train, test };

/// The 60,000 training or 10,000 test digits, (28, 28, 1) each.
class Mnist : public Dataset {
 public:
  /// Looks in `folder` for the files by their usual names ("train-images-idx3-ubyte" and so on,
  /// also with "mnist-" before and ".gz" behind). Throws IoError if one is not there, FormatError
  /// if one is damaged or images and labels do not belong together.
  Mnist(const std::filesystem::path& folder, Split split, Transforms augment = {});
};

}  // namespace tuco::data
