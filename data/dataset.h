// Dataset: samples by number, each a tensor for the network and its class. A Dataset is a handle,
// as tensors and modules are: copies and views share the Source behind it, which is what a new kind
// of data set implements.
#pragma once
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tuco/core/preprocessing.h"
#include "tuco/core/rng.h"
#include "tuco/core/tensor.h"
#include "tuco/data/transforms.h"

namespace tuco::data {

/// Whether samples are read with the random changes of training or without.
enum class Purpose { training, evaluation };

/// Where samples come from. All methods are const and called from several threads at once.
class Source {
 public:
  virtual ~Source() = default;
  virtual int64_t size() const = 0;
  /// Shape of one sample, without the batch: (height, width, channels) for images.
  virtual Shape shape() const = 0;
  /// The class of a sample, without reading it.
  virtual int64_t label(int64_t index) const = 0;
  /// Writes the values of a sample, shape().numel() of them. Whatever is random about it comes from
  /// `rng`, and nothing is for evaluation.
  virtual void read(int64_t index, Purpose purpose, Rng rng, std::span<float> out) const = 0;
  /// How raw data becomes an input, with the class names; without a size where samples are no
  /// pictures.
  virtual const Preprocessing& preprocessing() const = 0;
};

/// One sample: its values (float32, without a batch dimension) and its class.
struct Sample {
  Tensor value;
  int64_t label = 0;
};

/// A handle to a data set, or to a view of one.
class Dataset {
 public:
  explicit Dataset(std::shared_ptr<const Source> source) : source_(std::move(source)) {}

  int64_t size() const { return source_->size(); }
  /// Shape of one sample: (height, width, channels) for images.
  Shape shape() const { return source_->shape(); }
  int64_t label(int64_t index) const { return source_->label(index); }
  const std::vector<std::string>& class_names() const { return preprocessing().class_names; }
  const Preprocessing& preprocessing() const { return source_->preprocessing(); }
  /// A sample, augmented with numbers from `rng` where the data set augments. Throws Error if the
  /// index is out of range, and whatever reading the sample throws.
  Sample get(int64_t index, Rng rng = Rng()) const;
  /// The same data as evaluation sees them.
  Dataset without_augmentation() const;
  /// The samples of the given numbers, in that order. Throws Error if one is out of range.
  Dataset subset(std::vector<int64_t> indices) const;
  /// `count` samples as evaluation sees them, in one float32 tensor (count, ...shape()): as many of
  /// each class as there are, spread over the whole, the same every time. Throws Error if there are
  /// fewer.
  Tensor sample(int64_t count) const;

  const Source& source() const { return *source_; }

 private:
  std::shared_ptr<const Source> source_;
};

/// Two views without a common sample: the first with `fraction` of each class (rounded), chosen by
/// `seed`, the second with the rest, both in the order of the data set. Throws Error unless
/// fraction is in [0, 1].
std::pair<Dataset, Dataset> split(const Dataset& dataset, double fraction, uint64_t seed = 0);

/// A source of pictures: implement size(), label() and image(), which need not be of one size, and
/// get Preprocessing, augmentation and conversion from here.
class PictureSource : public Source {
 public:
  PictureSource(Preprocessing preprocessing, Transforms augment)
      : preprocessing_(std::move(preprocessing)), augment_(std::move(augment)) {}
  virtual std::shared_ptr<const Image> image(int64_t index) const = 0;

  Shape shape() const override;
  void read(int64_t index, Purpose purpose, Rng rng, std::span<float> out) const override;
  const Preprocessing& preprocessing() const override { return preprocessing_; }

 protected:
  Preprocessing preprocessing_;

 private:
  Transforms augment_;
};

/// One picture as a network's input, exactly as evaluation sees it: (1, height, width, channels)
/// float32. The second reads a file, and throws as read_image does.
Tensor to_input(const Image& image, const Preprocessing& preprocessing);
Tensor read_input(const std::filesystem::path& path, const Preprocessing& preprocessing);

/// Tensors in memory.
class TensorDataset : public Dataset {
 public:
  /// `values` (n, ...) float32 and `labels` (n) int64, dense, on the CPU. Throws ShapeError,
  /// DTypeError or DeviceError if they are not, and Error if a label is negative, or no index into
  /// `class_names` where those are given.
  TensorDataset(Tensor values, Tensor labels, std::vector<std::string> class_names = {});
};

}  // namespace tuco::data
