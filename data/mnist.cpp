#include "tuco/data/mnist.h"

#include "tuco/core/error.h"
#include "tuco/data/gzip.h"
#include "tuco/data/idx.h"

namespace tuco::data {
namespace {

constexpr int kClasses = 10;

IdxArray read_part(const std::filesystem::path& folder, const std::string& name, int rank) {
  for (const char* before : {"", "mnist-"})
    for (const char* behind : {"", ".gz"}) {
      const auto path = folder / (before + name + behind);
      if (!std::filesystem::exists(path)) continue;
      IdxArray array = read_idx(open_file(path));
      require<FormatError>(array.dtype == DType::uint8 && array.shape.rank() == rank,
                           "{}: {} of {}, expected {} dimensions of uint8", path.string(),
                           array.shape, array.dtype, rank);
      return array;
    }
  fail<IoError>("{}: no file {} or mnist-{}, with or without .gz", folder.string(), name, name);
}

class MnistSource : public PictureSource {
 public:
  MnistSource(IdxArray images, IdxArray labels, Preprocessing preprocessing, Transforms augment)
      : PictureSource(std::move(preprocessing), std::move(augment)),
        images_(std::move(images)),
        labels_(std::move(labels)) {}

  int64_t size() const override { return labels_.shape[0]; }
  int64_t label(int64_t index) const override { return labels_.bytes[static_cast<size_t>(index)]; }
  std::shared_ptr<const Image> image(int64_t index) const override {
    auto image = std::make_shared<Image>(preprocessing_.height, preprocessing_.width, 1);
    const size_t each = image->pixels.size();
    std::copy_n(images_.bytes.data() + static_cast<size_t>(index) * each, each,
                image->pixels.data());
    return image;
  }

 private:
  IdxArray images_, labels_;
};

std::shared_ptr<const Source> open_mnist(const std::filesystem::path& folder, Split split,
                                         Transforms augment) {
  const std::string part = split == Split::train ? "train" : "t10k";
  IdxArray images = read_part(folder, part + "-images-idx3-ubyte", 3);
  IdxArray labels = read_part(folder, part + "-labels-idx1-ubyte", 1);
  require<FormatError>(images.shape[0] == labels.shape[0] && images.shape.numel() > 0,
                       "{}: {} images {} and labels {} do not belong together", folder.string(),
                       part, images.shape, labels.shape);
  for (const uint8_t label : labels.bytes)
    require<FormatError>(label < kClasses, "{}: {} labels: a label of {}", folder.string(), part,
                         unsigned{label});
  constexpr int64_t kMaxSide = 1024;
  require<FormatError>(images.shape[1] <= kMaxSide && images.shape[2] <= kMaxSide,
                       "{}: {} images of {}", folder.string(), part, images.shape);
  Preprocessing preprocessing;
  preprocessing.height = static_cast<int>(images.shape[1]);
  preprocessing.width = static_cast<int>(images.shape[2]);
  preprocessing.channels = 1;
  for (int i = 0; i < kClasses; ++i) preprocessing.class_names.push_back(std::to_string(i));
  return std::make_shared<MnistSource>(std::move(images), std::move(labels),
                                       std::move(preprocessing), std::move(augment));
}

}  // namespace

Mnist::Mnist(const std::filesystem::path& folder, Split split, Transforms augment)
    : Dataset(open_mnist(folder, split, std::move(augment))) {}

}  // namespace tuco::data
