#include "tuco/data/dataset.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "samples.h"
#include "tests/support/shared_data.h"
#include "tuco/core/error.h"
#include "tuco/data/drawn.h"
#include "tuco/data/image_cache.h"
#include "tuco/data/image_folder.h"
#include "tuco/data/mnist.h"

namespace tuco::data {
namespace {

using test::jpeg_of;
using test::message_of;
using test::png_of;
using test::sample_image;
using test::tar_of;
using test::TemporaryFolder;

/// n samples (n, 2) of value (i, -i), of class i % classes.
TensorDataset numbers(int64_t n, int64_t classes) {
  Tensor values = empty({n, 2}), labels = empty({n}, {.dtype = DType::int64});
  for (int64_t i = 0; i < n; ++i) {
    values.data<float>()[2 * i] = float(i);
    values.data<float>()[2 * i + 1] = -float(i);
    labels.data<int64_t>()[i] = i % classes;
  }
  return {values, labels};
}

std::vector<std::pair<std::string, Bytes>> photo_files() {
  std::vector<std::pair<std::string, Bytes>> files;
  for (int i = 0; i < 6; ++i) {
    const auto number = std::to_string(i);
    files.push_back({"photos/train/dog/" + number + ".JPG", jpeg_of(sample_image(50, 64, 3, i))});
    files.push_back({"photos/train/cat/" + number + ".png", png_of(sample_image(64, 40, 1, i))});
  }
  files.push_back({"photos/train/cat/notes.txt", {'x'}});
  files.push_back({"photos/train/cat/._0.png", {'x'}});
  files.push_back({"photos/MANIFEST.tsv", {'x'}});
  return files;
}

void write_all(const TemporaryFolder& folder) {
  for (const auto& [name, bytes] : photo_files()) folder.write(name, bytes);
}

TEST(TensorDataset, GivesItsRows) {
  const TensorDataset data = numbers(5, 2);
  EXPECT_EQ(data.size(), 5);
  EXPECT_EQ(data.shape(), (Shape{2}));
  const Sample sample = data.get(3);
  EXPECT_EQ(sample.value.to_vector<float>(), (std::vector<float>{3, -3}));
  EXPECT_EQ(sample.label, 1);
  EXPECT_NE(message_of<Error>([&] { data.get(5); }).find("sample 5 of 5"), std::string::npos);
}

TEST(TensorDataset, RefusesWhatDoesNotFit) {
  const Tensor values = zeros({3, 2}), labels = zeros({3}, {.dtype = DType::int64});
  EXPECT_THROW(TensorDataset(zeros({4, 2}), labels), ShapeError);
  EXPECT_THROW(TensorDataset(values, zeros({3})), DTypeError);
  EXPECT_THROW(TensorDataset(values, full({3}, -1, {.dtype = DType::int64})), Error);
  EXPECT_THROW(TensorDataset(values, full({3}, 2, {.dtype = DType::int64}), {"a", "b"}), Error);
}

TEST(Dataset, SplitIsStratifiedDisjointAndDecidedByTheSeed) {
  const TensorDataset data = numbers(300, 3);
  const auto [train, rest] = split(data, 0.8, 4);
  ASSERT_EQ(train.size(), 240);
  ASSERT_EQ(rest.size(), 60);
  std::set<float> seen;
  std::map<int64_t, int> classes;
  for (const Dataset& part : {train, rest})
    for (int64_t i = 0; i < part.size(); ++i) {
      EXPECT_TRUE(seen.insert(part.get(i).value.to_vector<float>()[0]).second);
      if (part.size() == 240) ++classes[part.label(i)];
    }
  EXPECT_EQ(seen.size(), 300u);
  for (const auto& [label, count] : classes) EXPECT_EQ(count, 80) << label;
  const auto first = [&](uint64_t seed) {
    std::vector<float> values;
    const Dataset part = split(data, 0.8, seed).first;
    for (int64_t i = 0; i < part.size(); ++i)
      values.push_back(part.get(i).value.to_vector<float>()[0]);
    return values;
  };
  EXPECT_EQ(first(4), first(4));
  EXPECT_NE(first(4), first(5));
  EXPECT_THROW(split(data, 1.5), Error);
}

TEST(Dataset, SampleSpreadsOverTheClassesAndTheWhole) {
  // Class 0 has three of 103.
  Tensor values = empty({103, 1}), labels = empty({103}, {.dtype = DType::int64});
  for (int64_t i = 0; i < 103; ++i) {
    values.data<float>()[i] = float(i);
    labels.data<int64_t>()[i] = i < 3 ? 0 : 1;
  }
  const TensorDataset data(values, labels);
  EXPECT_EQ(data.sample(4).to_vector<float>(), (std::vector<float>{0, 1, 3, 53}));
  const auto ten = data.sample(10).to_vector<float>();
  EXPECT_EQ(std::count_if(ten.begin(), ten.end(), [](float v) { return v < 3; }), 3);
  EXPECT_GT(ten.back(), 80);
  EXPECT_EQ(data.sample(103).shape(), (Shape{103, 1}));
  EXPECT_THROW(data.sample(104), Error);
}

TEST(ImageFolder, AFolderAndAnArchiveAreTheSame) {
  const TemporaryFolder folder;
  write_all(folder);
  const auto archive = folder.write("photos.tar", tar_of(photo_files()));
  const ImageFolder on_disk(folder.path() / "photos/train", {.size = 24});
  const ImageFolder packed(archive / "photos/train", {.size = 24});
  const ImageFolder in_only_folder(archive / "train", {.size = 24});
  for (const ImageFolder& data : {on_disk, packed, in_only_folder}) {
    ASSERT_EQ(data.size(), 12);
    EXPECT_EQ(data.class_names(), (std::vector<std::string>{"cat", "dog"}));
    EXPECT_EQ(data.shape(), (Shape{24, 24, 3}));
    EXPECT_EQ(data.label(5), 0);
    EXPECT_EQ(data.label(6), 1);
  }
  for (int64_t i = 0; i < 12; ++i)
    EXPECT_EQ(on_disk.get(i).value.to_vector<float>(), packed.get(i).value.to_vector<float>());
}

TEST(ImageFolder, ValuesAreWholePixelsByThePreprocessing) {
  const TemporaryFolder folder;
  write_all(folder);
  const ImageFolder data(folder.path() / "photos/train", {.size = 24});
  const auto values = data.get(8).value.to_vector<float>();
  const Image expected =
      prepare(decode_image(jpeg_of(sample_image(50, 64, 3, 2)), "2.JPG"), data.preprocessing());
  for (size_t i = 0; i < values.size(); ++i)
    EXPECT_EQ(values[i], (float(expected.pixels[i]) - 128) / 64);
}

TEST(ImageFolder, AFileReadAloneGivesTheSameInput) {
  const TemporaryFolder folder;
  // Large enough to be scaled while decoding, and not square.
  const auto file = folder.write("photos/cat/1.jpg", jpeg_of(sample_image(200, 320, 3)));
  const ImageFolder data(folder.path() / "photos", {.size = {24, 40}, .augment = standard()});
  const Tensor input = read_input(file, data.preprocessing());
  EXPECT_EQ(input.shape(), (Shape{1, 24, 40, 3}));
  EXPECT_EQ(input.to_vector<float>(), data.without_augmentation().get(0).value.to_vector<float>());
  EXPECT_EQ(input.to_vector<float>(), data.sample(1).to_vector<float>());
}

TEST(ImageFolder, AugmentsInTrainingOnly) {
  const TemporaryFolder folder;
  write_all(folder);
  const ImageFolder data(folder.path() / "photos/train", {.size = 24, .augment = standard()});
  const auto get = [](const Dataset& set, uint64_t stream) {
    return set.get(7, Rng(1, stream)).value.to_vector<float>();
  };
  EXPECT_EQ(get(data, 1), get(data, 1));
  EXPECT_NE(get(data, 1), get(data, 2));
  const Dataset plain = data.without_augmentation();
  EXPECT_EQ(get(plain, 1), get(plain, 2));
  const ImageFolder never(folder.path() / "photos/train", {.size = 24});
  EXPECT_EQ(get(plain, 1), get(never, 1));
  // A view of a view stays one for evaluation.
  EXPECT_EQ(get(plain.subset({1, 2, 3, 4, 5, 6, 0, 7}), 1), get(never, 1));
  EXPECT_EQ(data.sample(12).to_vector<float>(), never.sample(12).to_vector<float>());
}

TEST(ImageFolder, ACorruptFileIsRefusedOrSkippedByName) {
  const TemporaryFolder folder;
  write_all(folder);
  Bytes cut = jpeg_of(sample_image(50, 64, 3));
  cut.resize(cut.size() / 2);
  folder.write("photos/train/dog/3.JPG", cut);
  const auto path = folder.path() / "photos/train";
  const ImageFolder refusing(path, {.size = 24});
  EXPECT_EQ(refusing.size(), 12);
  const auto message = message_of<FormatError>([&] { refusing.get(9); });
  EXPECT_NE(message.find("photos/train/dog/3.JPG"), std::string::npos) << message;
  EXPECT_NE(message.find("JPEG"), std::string::npos) << message;
  testing::internal::CaptureStderr();
  const ImageFolder skipping(path, {.size = 24, .on_corrupt = OnCorrupt::skip});
  const std::string told = testing::internal::GetCapturedStderr();
  EXPECT_NE(told.find("photos/train/dog/3.JPG"), std::string::npos) << told;
  EXPECT_EQ(std::count(told.begin(), told.end(), '\n'), 1);
  ASSERT_EQ(skipping.size(), 11);
  for (int64_t i = 0; i < 11; ++i) skipping.get(i);
}

TEST(ImageFolder, SaysWhereThereAreImages) {
  const TemporaryFolder folder;
  write_all(folder);
  const auto archive = folder.write("photos.tar", tar_of(photo_files()));
  EXPECT_NE(
      message_of<FormatError>([&] { ImageFolder{archive}; }).find("there are some in photos/train"),
      std::string::npos);
  EXPECT_NE(message_of<FormatError>([&] {
              ImageFolder{folder.path()};
            }).find("there are some in photos/train"),
            std::string::npos);
  EXPECT_NE(message_of<FormatError>([&] { ImageFolder{archive / "nothing"}; }).find("no images"),
            std::string::npos);
  EXPECT_NE(message_of<IoError>([&] {
              ImageFolder{folder.path() / "no.tar/x"};
            }).find("no such folder or archive"),
            std::string::npos);
  EXPECT_THROW(ImageFolder{"relative/nowhere"}, IoError);
}

TEST(ImageFolder, ADamagedArchiveIsRefusedByName) {
  const TemporaryFolder folder;
  Bytes tar = tar_of(photo_files());
  tar[3] ^= 1;
  const auto archive = folder.write("bad.tar", tar);
  EXPECT_NE(message_of<FormatError>([&] { ImageFolder{archive / "photos"}; }).find("bad.tar"),
            std::string::npos);
}

TEST(ImageFolder, CatsVsDogs) {
  const auto path = test::shared_data("data/cats-vs-dogs.tar");
  TUCO_NEEDS_SHARED(path, "data/cats-vs-dogs.tar");
  const ImageFolder train(path / "cats-vs-dogs/train"), test(path / "cats-vs-dogs/test");
  EXPECT_EQ(train.size(), 3300);
  EXPECT_EQ(test.size(), 800);
  EXPECT_EQ(train.class_names(), (std::vector<std::string>{"cat", "dog"}));
  EXPECT_EQ(test.label(399), 0);
  EXPECT_EQ(test.label(400), 1);
  EXPECT_EQ(test.sample(10).shape(), (Shape{10, 96, 96, 3}));
}

TEST(ImageCache, KeepsWhatFitsTheBudget) {
  ImageCache cache(3, 250);
  int made = 0;
  const auto get = [&](int64_t index) {
    return cache.get(index, [&] {
      ++made;
      return Image(10, 10, 1);
    });
  };
  for (int round = 0; round < 2; ++round)
    for (int64_t i = 0; i < 3; ++i) EXPECT_EQ(get(i)->width, 10);
  EXPECT_EQ(made, 4);
}

TEST(Mnist, ReadsTheFilesOfTheSharedFolder) {
  const auto path = test::shared_data("data/mnist-t10k-images-idx3-ubyte.gz");
  TUCO_NEEDS_SHARED(path, "data/mnist-t10k-images-idx3-ubyte.gz");
  const Mnist digits(path.parent_path(), Split::test);
  EXPECT_EQ(digits.size(), 10000);
  EXPECT_EQ(digits.shape(), (Shape{28, 28, 1}));
  EXPECT_EQ(digits.label(0), 7);
  EXPECT_EQ(digits.class_names().at(9), "9");
  // Paper is 0 in the file, ink up to 255.
  const auto values = digits.get(0).value.to_vector<float>();
  EXPECT_EQ(*std::min_element(values.begin(), values.end()), -2);
  EXPECT_GT(*std::max_element(values.begin(), values.end()), 1.9f);
}

TEST(Mnist, RefusesWhatDoesNotBelongTogether) {
  const TemporaryFolder folder;
  EXPECT_NE(message_of<IoError>([&] {
              Mnist(folder.path(), Split::train);
            }).find("train-images-idx3-ubyte"),
            std::string::npos);
  Bytes images = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 9, 8, 7, 6};
  folder.write("train-images-idx3-ubyte", images);
  folder.write("train-labels-idx1-ubyte", {0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3});
  EXPECT_THROW(Mnist(folder.path(), Split::train), FormatError);
  folder.write("train-labels-idx1-ubyte", {0, 0, 8, 1, 0, 0, 0, 2, 1, 10});
  EXPECT_NE(
      message_of<FormatError>([&] { Mnist(folder.path(), Split::train); }).find("a label of 10"),
      std::string::npos);
  folder.write("train-labels-idx1-ubyte", {0, 0, 8, 1, 0, 0, 0, 2, 1, 3});
  const Mnist digits(folder.path(), Split::train);
  EXPECT_EQ(digits.get(1).value.to_vector<float>(),
            (std::vector<float>{(7 - 128) / 64.0f, (6 - 128) / 64.0f}));
  images.pop_back();
  folder.write("train-images-idx3-ubyte", images);
  EXPECT_NE(message_of<FormatError>([&] { Mnist(folder.path(), Split::train); }).find("truncated"),
            std::string::npos);
}

TEST(DrawnPets, IsADataset) {
  const DrawnPets pets(10, {.size = 32, .augment = standard(), .seed = 3});
  EXPECT_EQ(pets.size(), 10);
  EXPECT_EQ(pets.label(3), 1);
  EXPECT_EQ(pets.class_names(), (std::vector<std::string>{"cat", "dog"}));
  EXPECT_EQ(pets.sample(4).shape(), (Shape{4, 32, 32, 3}));
  const DrawnPets again(20, {.size = 32, .seed = 3}), other(10, {.size = 32, .seed = 4});
  EXPECT_EQ(pets.without_augmentation().get(7).value.to_vector<float>(),
            again.get(7).value.to_vector<float>());
  EXPECT_NE(again.get(7).value.to_vector<float>(), other.get(7).value.to_vector<float>());
}

}  // namespace
}  // namespace tuco::data
