// What a picture costs before training sees it, on one core: decoding a photograph of usual size,
// cutting, turning and scaling it to 96 x 96, and both by the Loader.
#include <benchmark/benchmark.h>

#include "tests/data/samples.h"
#include "tuco/data/drawn.h"
#include "tuco/data/loader.h"

namespace tuco::data {
namespace {

constexpr int kHeight = 160, kWidth = 213;

/// A picture with as much detail as a photograph.
const Image& photograph() {
  static const Image kImage = [] {
    Preprocessing whole;
    whole.height = kHeight;
    whole.width = kWidth;
    return prepare(draw_pet(true, 256, Rng(1)), whole);
  }();
  return kImage;
}

Preprocessing square(int side) {
  Preprocessing p;
  p.height = p.width = side;
  return p;
}

void decode(benchmark::State& state) {
  const Bytes bytes = test::jpeg_of(photograph(), 90);
  for (auto _ : state) benchmark::DoNotOptimize(decode_image(bytes, "bench.jpg"));
  state.SetItemsProcessed(state.iterations());
}

void augment(benchmark::State& state) {
  const auto image = std::make_shared<const Image>(photograph());
  const Transforms transforms = standard();
  uint64_t index = 0;
  for (auto _ : state)
    benchmark::DoNotOptimize(prepare(image, square(96), transforms, Rng(1, index++)));
  state.SetItemsProcessed(state.iterations());
}

void evaluate(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(prepare(photograph(), square(96)));
  state.SetItemsProcessed(state.iterations());
}

void draw(benchmark::State& state) {
  uint64_t index = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(draw_pet(index % 2 == 1, 120, Rng(1).split(index)));
    ++index;
  }
  state.SetItemsProcessed(state.iterations());
}

/// An epoch of drawn pictures that are in memory already.
void load(benchmark::State& state) {
  const DrawnPets pets(192, {.augment = standard()});
  Loader loader(pets, {.batch = 48, .shuffle = true, .workers = static_cast<int>(state.range(0))});
  const auto read = [&] {
    for (const auto& batch : loader) benchmark::DoNotOptimize(batch.images.raw());
  };
  read();
  for (auto _ : state) read();
  state.SetItemsProcessed(state.iterations() * pets.size());
}

BENCHMARK(decode);
BENCHMARK(augment);
BENCHMARK(evaluate);
BENCHMARK(draw);
BENCHMARK(load)->Arg(0)->Arg(2)->UseRealTime();

}  // namespace
}  // namespace tuco::data

BENCHMARK_MAIN();
