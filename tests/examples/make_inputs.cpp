// make_inputs FOLDER: what the tests of the programs feed them: drawn pictures as
// pictures/{cat,dog}/N.png and photos.tar-like folders train/ and test/, a damaged PNG, arrays of
// numbers, and a small data set in MNIST's files.
#include <fmt/format.h>

#include <filesystem>

#include "tuco/core/file.h"
#include "tuco/core/npy.h"
#include "tuco/core/rng.h"
#include "tuco/data/drawn.h"
#include "tuco/data/image.h"

namespace tuco {
namespace {

namespace fs = std::filesystem;

void write_pictures(const fs::path& folder, int each, uint64_t seed) {
  for (const bool dog : {false, true}) {
    const fs::path place = folder / (dog ? "dog" : "cat");
    fs::create_directories(place);
    for (int i = 0; i < each; ++i)
      data::write_png(place / fmt::format("{}.png", i),
                      data::draw_pet(dog, 96, Rng(seed).split(2 * i + dog)));
  }
}

void append_number(Bytes& bytes, uint32_t number) {
  for (const int shift : {24, 16, 8, 0}) bytes.push_back(static_cast<uint8_t>(number >> shift));
}

/// Digit d is a bright bar at height 2 d, on noise.
void write_digits(const fs::path& folder, const std::string& prefix, uint32_t count) {
  Bytes images, labels;
  append_number(images, 0x803);
  append_number(labels, 0x801);
  append_number(images, count);
  append_number(labels, count);
  append_number(images, 28);
  append_number(images, 28);
  Rng rng(count);
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t digit = i % 10;
    labels.push_back(static_cast<uint8_t>(digit));
    for (uint32_t y = 0; y < 28; ++y)
      for (uint32_t x = 0; x < 28; ++x)
        images.push_back(static_cast<uint8_t>((y / 2 == digit ? 150 : 0) + rng.below(100)));
  }
  fs::create_directories(folder);
  write_file((folder / (prefix + "-images-idx3-ubyte")).string(), images);
  write_file((folder / (prefix + "-labels-idx1-ubyte")).string(), labels);
}

void write(const fs::path& folder) {
  write_pictures(folder / "pictures", 4, 5);
  write_pictures(folder / "photos/train", 10, 6);
  write_pictures(folder / "photos/test", 2, 7);
  Bytes damaged = File::open((folder / "pictures/cat/0.png").string()).read_all();
  damaged.resize(damaged.size() / 2);
  write_file((folder / "damaged.png").string(), damaged);
  Rng rng(8);
  save_npy(folder / "samples.npy", randn({4, 96, 96, 3}, rng));
  save_npy(folder / "wrong.npy", randn({3, 5}, rng));
  write_digits(folder / "mnist", "train", 256);
  write_digits(folder / "mnist", "t10k", 200);
}

}  // namespace
}  // namespace tuco

int main(int count, char** arguments) try {
  if (count != 2) return 2;
  tuco::write(arguments[1]);
} catch (const std::exception& error) {
  fmt::print(stderr, "make_inputs: {}\n", error.what());
  return 1;
}
