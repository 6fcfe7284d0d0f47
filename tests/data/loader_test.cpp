#include "tuco/data/loader.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <set>
#include <thread>

#include "tests/support/temporary_folder.h"
#include "tuco/core/error.h"
#include "tuco/core/parallel.h"

namespace tuco::data {
namespace {

using test::message_of;

/// Samples of one value: index + noise in training. Counts reads, and throws at one index.
class CountingSource : public Source {
 public:
  explicit CountingSource(int64_t size, int64_t bad = -1) : size_(size), bad_(bad) {}
  int64_t size() const override { return size_; }
  Shape shape() const override { return {1}; }
  int64_t label(int64_t index) const override { return index % 3; }
  void read(int64_t index, Purpose purpose, Rng rng, std::span<float> out) const override {
    ++reads;
    // Uneven work, so that workers overtake each other.
    std::this_thread::sleep_for(std::chrono::microseconds(37 * (index % 5)));
    if (index == bad_) fail<FormatError>("photo {}.jpg: damaged", index);
    if (num_threads() != 1) ++parallel;
    out[0] = static_cast<float>(index);
    if (purpose == Purpose::training) out[0] += 0.5f * rng.uniform();
  }
  const Preprocessing& preprocessing() const override { return preprocessing_; }
  mutable std::atomic<int> reads = 0, parallel = 0;

 private:
  int64_t size_, bad_;
  Preprocessing preprocessing_;
};

using Epoch = std::vector<std::pair<std::vector<float>, std::vector<int64_t>>>;

Epoch read_epoch(Loader& loader) {
  Epoch result;
  for (auto [images, labels] : loader)
    result.push_back({images.to_vector<float>(), labels.to_vector<int64_t>()});
  return result;
}

Dataset counting(int64_t size) { return Dataset(std::make_shared<CountingSource>(size)); }

TEST(Loader, GivesEverySampleOnceInOrder) {
  for (const int workers : {0, 1, 3}) {
    Loader loader(counting(10).without_augmentation(), {.batch = 4, .workers = workers});
    EXPECT_EQ(loader.batches(), 3);
    const Epoch epoch = read_epoch(loader);
    ASSERT_EQ(epoch.size(), 3u);
    EXPECT_EQ(epoch[0].first, (std::vector<float>{0, 1, 2, 3}));
    EXPECT_EQ(epoch[2].first, (std::vector<float>{8, 9}));
    EXPECT_EQ(epoch[2].second, (std::vector<int64_t>{2, 0}));
  }
}

TEST(Loader, DropLastLeavesOutTheRest) {
  Loader loader(counting(10), {.batch = 4, .drop_last = true});
  EXPECT_EQ(loader.batches(), 2);
  EXPECT_EQ(read_epoch(loader).size(), 2u);
}

TEST(Loader, AnEmptyDatasetHasNoBatches) {
  for (const int workers : {0, 2}) {
    Loader loader(counting(0), {.workers = workers});
    EXPECT_EQ(read_epoch(loader).size(), 0u);
  }
}

TEST(Loader, BatchesAreTheSameForASeedWhateverTheWorkers) {
  const auto epochs = [](int workers, uint64_t seed) {
    Loader loader(counting(50), {.batch = 7, .shuffle = true, .workers = workers, .seed = seed});
    return std::pair(read_epoch(loader), read_epoch(loader));
  };
  const auto expected = epochs(0, 1);
  for (const int workers : {1, 2, 5}) EXPECT_EQ(epochs(workers, 1), expected) << workers;
  EXPECT_NE(epochs(2, 2), expected);
  // Order and augmentation differ from one epoch to the next.
  EXPECT_NE(expected.first, expected.second);
}

TEST(Loader, ShufflingIsAPermutationWithLabelsInStep) {
  Loader loader(counting(50), {.batch = 8, .shuffle = true});
  std::set<int> seen;
  bool moved = false;
  int place = 0;
  for (auto [images, labels] : loader)
    for (int64_t i = 0; i < images.dim(0); ++i, ++place) {
      const int index = static_cast<int>(images.data<float>()[i]);
      EXPECT_TRUE(seen.insert(index).second);
      EXPECT_EQ(labels.data<int64_t>()[i], index % 3);
      moved = moved || index != place;
    }
  EXPECT_EQ(seen.size(), 50u);
  EXPECT_TRUE(moved);
}

TEST(Loader, SetEpochContinuesWhereTrainingStopped) {
  Loader whole(counting(20), {.batch = 6, .shuffle = true, .seed = 9});
  read_epoch(whole);
  read_epoch(whole);
  EXPECT_EQ(whole.epoch(), 2);
  const Epoch third = read_epoch(whole);
  Loader resumed(counting(20), {.batch = 6, .shuffle = true, .seed = 9});
  resumed.set_epoch(2);
  EXPECT_EQ(read_epoch(resumed), third);
}

TEST(Loader, ASampleDependsOnSeedEpochAndIndexAlone) {
  // The order of the data set and its shuffling give each sample the same augmentation.
  Loader plain(counting(12), {.batch = 12, .seed = 5});
  Loader shuffled(counting(12), {.batch = 5, .shuffle = true, .seed = 5});
  std::set<float> first, second;
  for (const auto& [values, labels] : read_epoch(plain)) first.insert(values.begin(), values.end());
  for (const auto& [values, labels] : read_epoch(shuffled))
    second.insert(values.begin(), values.end());
  EXPECT_EQ(first, second);
}

TEST(Loader, AnExceptionReachesTheLoopAtItsBatch) {
  for (const int workers : {0, 1, 4}) {
    Loader loader(Dataset(std::make_shared<CountingSource>(40, 21)),
                  {.batch = 4, .workers = workers});
    int batches = 0;
    const auto message = message_of<FormatError>([&] {
      for (const auto& batch : loader) batches += batch.images.defined();
    });
    EXPECT_EQ(message, "photo 21.jpg: damaged");
    EXPECT_EQ(batches, 5);
  }
}

TEST(Loader, LeavingEarlyIsFineAndReadsOnlyALittleAhead) {
  const auto source = std::make_shared<CountingSource>(1000);
  for (const int workers : {0, 1, 4}) {
    source->reads = 0;
    Loader loader(Dataset(source), {.batch = 5, .workers = workers});
    int batches = 0;
    for (const auto& batch : loader) {
      batches += batch.images.defined();
      if (batches == 3) break;
    }
    EXPECT_LE(source->reads, 5 * (4 + 3 * workers));
  }
}

TEST(Loader, WorkersRunSerially) {
  const auto source = std::make_shared<CountingSource>(50);
  Loader loader(Dataset(source), {.batch = 5, .workers = 2});
  read_epoch(loader);
  EXPECT_EQ(source->parallel, 0);
}

/// What the parts of a loader read in two epochs, put together batch by batch.
Epoch read_parts(int64_t size, int64_t parts, LoaderOptions options) {
  std::vector<Epoch> each;
  for (int64_t part = 0; part < parts; ++part) {
    options.shard = {part, parts};
    Loader loader(counting(size), options);
    each.push_back(read_epoch(loader));
    EXPECT_EQ(static_cast<int64_t>(each.back().size()), loader.batches());
    const Epoch second = read_epoch(loader);
    each.back().insert(each.back().end(), second.begin(), second.end());
    EXPECT_EQ(each.back().size(), each[0].size());
  }
  Epoch result = each[0];
  for (size_t part = 1; part < each.size(); ++part)
    for (size_t i = 0; i < result.size(); ++i) {
      EXPECT_EQ(each[part][i].second.size(), each[0][i].second.size());
      const auto append = [](auto& to, const auto& from) {
        to.insert(to.end(), from.begin(), from.end());
      };
      append(result[i].first, each[part][i].first);
      append(result[i].second, each[part][i].second);
    }
  return result;
}

TEST(Loader, PartsTogetherAreTheBatchesOfTheWhole) {
  for (const bool drop_last : {false, true})
    for (const int64_t size : {48, 52, 60}) {  // the last batch is full, or has 4 or 12 samples
      const LoaderOptions options = {
          .shuffle = true, .workers = 1, .seed = 3, .drop_last = drop_last};
      LoaderOptions whole = options, quarter = options;
      whole.batch = 16;
      quarter.batch = 4;
      EXPECT_EQ(read_parts(size, 4, quarter), read_parts(size, 1, whole)) << size;
    }
}

TEST(Loader, PartsOfALastBatchAreEqualAndLeaveOutTheRest) {
  const LoaderOptions options = {.shuffle = true, .workers = 0, .seed = 3};
  LoaderOptions whole = options, quarter = options;
  whole.batch = 16;
  quarter.batch = 4;
  Epoch expected = read_parts(54, 1, whole);  // 16, 16, 16, 6, and once more
  ASSERT_EQ(expected.size(), 8u);
  for (const size_t last : {3, 7}) {
    expected[last].first.resize(4);  // one for each of four
    expected[last].second.resize(4);
  }
  EXPECT_EQ(read_parts(54, 4, quarter), expected);
  // Of three samples none is left for each of four.
  expected = read_parts(51, 1, whole);
  expected.erase(expected.begin() + 7);
  expected.erase(expected.begin() + 3);
  EXPECT_EQ(read_parts(51, 4, quarter), expected);
  EXPECT_EQ(read_parts(3, 4, quarter), Epoch());
}

TEST(Loader, RefusesSenselessOptions) {
  EXPECT_THROW(Loader(counting(3), {.batch = 0}), Error);
  EXPECT_THROW(Loader(counting(3), {.shard = {2, 2}}), Error);
  EXPECT_THROW(Loader(counting(3), {.shard = {-1, 2}}), Error);
  EXPECT_EQ(message_of<Error>([] {
              Loader(counting(3), {.shard = {0, 0}});
            }),
            "Loader: part 0 of 0, expected a positive count and an index from 0 to below it");
  EXPECT_THROW(Loader(counting(3), {.workers = -1}), Error);
}

TEST(EpochsWithin, JudgesByTheFirstBatchesAndLeavesTheLoader) {
  const TensorDataset data(zeros({100, 2}), full({100}, 0, {DType::int64}));
  const Loader loader(data, {.batch = 4, .workers = 0});
  int64_t steps = 0;
  const auto slow = [&](const Batch&) {
    ++steps;
    std::this_thread::sleep_for(std::chrono::milliseconds(4));
  };
  // An epoch takes at least 25 * 4 ms.
  EXPECT_LE(epochs_within(1, 100, loader, slow), 10);
  EXPECT_EQ(steps, 32);
  EXPECT_EQ(loader.epoch(), 0);
  EXPECT_EQ(epochs_within(1e-9, 100, loader, slow), 1);
  EXPECT_EQ(epochs_within(1e300, 100, loader, slow), 100);
  // The first time costs 20 ms a step, half a second for all of an epoch, and never again: of 8
  // seconds, enough are left for 20 epochs.
  steps = 0;
  const auto slow_first = [&](const Batch&) {
    std::this_thread::sleep_for(std::chrono::milliseconds(++steps <= 16 ? 20 : 1));
  };
  EXPECT_EQ(epochs_within(8, 20, loader, slow_first), 20);
  // Half a second is not enough for even one, but one is what there is.
  steps = 0;
  EXPECT_EQ(epochs_within(0.3, 20, loader, slow_first), 1);
  const Loader none(data, {.batch = 200, .drop_last = true});
  EXPECT_EQ(epochs_within(60, 100, none, slow), 1);
}

}  // namespace
}  // namespace tuco::data
