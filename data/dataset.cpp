#include "tuco/data/dataset.h"

#include <map>

#include "tuco/core/error.h"

namespace tuco::data {
namespace {

void check_index(int64_t index, int64_t size) {
  require<Error>(index >= 0 && index < size, "dataset: sample {} of {}", index, size);
}

/// Some samples of another source, or all of them as evaluation sees them.
class ViewSource : public Source {
 public:
  ViewSource(Dataset base, std::vector<int64_t> indices, bool evaluate)
      : base_(std::move(base)), indices_(std::move(indices)), evaluate_(evaluate) {}

  int64_t size() const override { return static_cast<int64_t>(indices_.size()); }
  Shape shape() const override { return base_.shape(); }
  int64_t label(int64_t index) const override { return base_.label(at(index)); }
  void read(int64_t index, Purpose purpose, Rng rng, std::span<float> out) const override {
    base_.source().read(at(index), evaluate_ ? Purpose::evaluation : purpose, rng, out);
  }
  const Preprocessing& preprocessing() const override { return base_.preprocessing(); }

 private:
  int64_t at(int64_t index) const { return indices_[static_cast<size_t>(index)]; }

  Dataset base_;
  std::vector<int64_t> indices_;
  bool evaluate_;
};

class TensorSource : public Source {
 public:
  TensorSource(Tensor values, Tensor labels, std::vector<std::string> class_names)
      : values_(std::move(values)), labels_(std::move(labels)) {
    require<ShapeError>(
        values_.rank() >= 1 && labels_.rank() == 1 && values_.dim(0) == labels_.dim(0),
        "TensorDataset: values {} and labels {}, expected (n, ...) and (n,)", values_.shape(),
        labels_.shape());
    for (const Tensor* tensor : {&values_, &labels_})
      require<ShapeError>(tensor->is_contiguous(), "TensorDataset: {} is not dense",
                          tensor->shape());
    value_data_ = values_.data<float>();
    label_data_ = labels_.data<int64_t>();
    const int64_t classes = static_cast<int64_t>(class_names.size());
    for (int64_t i = 0; i < size(); ++i)
      require<Error>(label(i) >= 0 && (classes == 0 || label(i) < classes),
                     "TensorDataset: label {} of sample {}, with {} classes", label(i), i, classes);
    preprocessing_.mean = 0;
    preprocessing_.deviation = 1;
    preprocessing_.class_names = std::move(class_names);
    for (int i = 1; i < values_.rank(); ++i) shape_.push_back(values_.dim(i));
    if (shape_.rank() == 3) {
      preprocessing_.height = static_cast<int>(shape_[0]);
      preprocessing_.width = static_cast<int>(shape_[1]);
      preprocessing_.channels = static_cast<int>(shape_[2]);
    }
  }

  int64_t size() const override { return values_.dim(0); }
  Shape shape() const override { return shape_; }
  int64_t label(int64_t index) const override { return label_data_[index]; }
  void read(int64_t index, Purpose, Rng, std::span<float> out) const override {
    std::copy_n(value_data_ + index * static_cast<int64_t>(out.size()), out.size(), out.begin());
  }
  const Preprocessing& preprocessing() const override { return preprocessing_; }

 private:
  Tensor values_, labels_;
  const float* value_data_;
  const int64_t* label_data_;
  Shape shape_;
  Preprocessing preprocessing_;
};

std::vector<int64_t> all_of(const Dataset& dataset) {
  std::vector<int64_t> indices(static_cast<size_t>(dataset.size()));
  for (size_t i = 0; i < indices.size(); ++i) indices[i] = static_cast<int64_t>(i);
  return indices;
}

std::map<int64_t, std::vector<int64_t>> by_class(const Dataset& dataset) {
  std::map<int64_t, std::vector<int64_t>> classes;
  for (int64_t i = 0; i < dataset.size(); ++i) classes[dataset.label(i)].push_back(i);
  return classes;
}

}  // namespace

Sample Dataset::get(int64_t index, Rng rng) const {
  check_index(index, size());
  Sample result{empty(shape()), label(index)};
  source_->read(index, Purpose::training, rng,
                {result.value.data<float>(), static_cast<size_t>(result.value.numel())});
  return result;
}

Dataset Dataset::without_augmentation() const {
  return Dataset(std::make_shared<ViewSource>(*this, all_of(*this), true));
}

Dataset Dataset::subset(std::vector<int64_t> indices) const {
  for (const int64_t index : indices) check_index(index, size());
  return Dataset(std::make_shared<ViewSource>(*this, std::move(indices), false));
}

Tensor Dataset::sample(int64_t count) const {
  require<Error>(count >= 1 && count <= size(), "dataset: a sample of {} out of {}", count, size());
  // Deals the places to the classes in turn, as far as each has samples, ...
  const auto classes = by_class(*this);
  std::map<int64_t, int64_t> places;
  for (int64_t dealt = 0; dealt < count;)
    for (const auto& [label, members] : classes)
      if (dealt < count && places[label] < static_cast<int64_t>(members.size())) {
        ++places[label];
        ++dealt;
      }
  // ... and spreads those of a class evenly over its members.
  std::vector<int64_t> chosen;
  for (const auto& [label, members] : classes)
    for (int64_t i = 0; i < places[label]; ++i)
      chosen.push_back(
          members[static_cast<size_t>(i * static_cast<int64_t>(members.size()) / places[label])]);
  std::sort(chosen.begin(), chosen.end());

  Shape all{count};
  for (const int64_t size : shape()) all.push_back(size);
  Tensor result = empty(all);
  float* out = result.data<float>();
  const auto each = static_cast<size_t>(shape().numel());
  for (const int64_t index : chosen) {
    source_->read(index, Purpose::evaluation, Rng(), {out, each});
    out += each;
  }
  return result;
}

std::pair<Dataset, Dataset> split(const Dataset& dataset, double fraction, uint64_t seed) {
  require<Error>(fraction >= 0 && fraction <= 1, "split: a fraction of {}, expected 0 to 1",
                 fraction);
  std::vector<int64_t> first, second;
  for (auto& [label, members] : by_class(dataset)) {
    auto order = members;
    Rng rng = Rng(seed).split(static_cast<uint64_t>(label));
    for (size_t i = order.size(); i > 1; --i)
      std::swap(order[i - 1], order[rng.below(static_cast<uint32_t>(i))]);
    const auto cut = order.begin() + std::lround(fraction * static_cast<double>(order.size()));
    first.insert(first.end(), order.begin(), cut);
    second.insert(second.end(), cut, order.end());
  }
  std::sort(first.begin(), first.end());
  std::sort(second.begin(), second.end());
  return {dataset.subset(std::move(first)), dataset.subset(std::move(second))};
}

Shape PictureSource::shape() const {
  return {preprocessing_.height, preprocessing_.width, preprocessing_.channels};
}

void PictureSource::read(int64_t index, Purpose purpose, Rng rng, std::span<float> out) const {
  static const Transforms kNone;
  const Image pixels =
      prepare(image(index), preprocessing_, purpose == Purpose::training ? augment_ : kNone, rng);
  Normalize{preprocessing_.mean, preprocessing_.deviation}(pixels, out);
}

Tensor to_input(const Image& image, const Preprocessing& preprocessing) {
  const Image pixels = prepare(image, preprocessing);
  Tensor result = empty({1, pixels.height, pixels.width, pixels.channels});
  Normalize{preprocessing.mean, preprocessing.deviation}(
      pixels, {result.data<float>(), pixels.pixels.size()});
  return result;
}

Tensor read_input(const std::filesystem::path& path, const Preprocessing& preprocessing) {
  return to_input(read_image(path, decode_side(preprocessing)), preprocessing);
}

TensorDataset::TensorDataset(Tensor values, Tensor labels, std::vector<std::string> class_names)
    : Dataset(std::make_shared<TensorSource>(std::move(values), std::move(labels),
                                             std::move(class_names))) {}

}  // namespace tuco::data
