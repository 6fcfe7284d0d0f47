// Loader: a data set in batches, read ahead by threads of its own. What comes out depends on the
// seed and the epoch alone, never on how many threads there are or how fast they happen to be.
#pragma once
#include <functional>
#include <iterator>
#include <memory>

#include "tuco/data/dataset.h"

namespace tuco::data {

/// One of several equal parts of every batch: that of one process among those that train together.
struct Shard {
  int64_t index = 0, count = 1;
};

struct LoaderOptions {
  /// Samples in a batch, or in this part of it; the last one of an epoch may have fewer.
  int64_t batch = 32;
  /// A new random order each epoch; otherwise the data set's own.
  bool shuffle = false;
  /// Threads that read ahead; 0 reads in the thread that asks.
  int workers = 2;
  /// Decides the order and, with epoch and index, each sample's augmentation.
  uint64_t seed = 0;
  /// Leave out a last batch that is not full.
  bool drop_last = false;
  /// Where the batches come out. To a GPU they are copied as they are read ahead, while it computes.
  Device device = Device::cpu();
  /// Read only this part of each batch: with batches of b, part r of n is what a loader with
  /// batches of n b has at its places from r b to before (r + 1) b, in the same order and augmented
  /// alike. A last batch that is not full is divided in the same way; up to n - 1 samples are left
  /// over then, and left out: all parts are equal, so that the mean over them is that of the whole.
  Shard shard = {};
};

/// `images` (n, ...) float32, and `labels` (n) int64.
struct Batch {
  Tensor images, labels;
};

/// Batches for a range-for loop: `for (auto [images, labels] : loader)` is one epoch. An exception
/// in a worker is thrown to the loop when it reaches the batch, with the file's name in it; leaving
/// the loop early is fine.
class Loader {
 public:
  /// Throws Error unless batch is positive, workers not negative, and the shard one of its count,
  /// and DeviceError if the device is not there.
  explicit Loader(Dataset dataset, LoaderOptions options = {});

  class Iterator {
   public:
    using value_type = Batch;
    using difference_type = std::ptrdiff_t;

    const Batch& operator*() const { return batch_; }
    const Batch* operator->() const { return &batch_; }
    Iterator& operator++();
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return !batch_.images.defined(); }

   private:
    friend class Loader;
    class Epoch;
    explicit Iterator(std::shared_ptr<Epoch> epoch);
    std::shared_ptr<Epoch> epoch_;
    Batch batch_;
  };

  /// Starts an epoch: number 0 or the one that set_epoch named, and the next one each time.
  Iterator begin();
  std::default_sentinel_t end() const { return {}; }

  /// Batches in an epoch.
  int64_t batches() const;
  const Dataset& dataset() const { return dataset_; }
  const LoaderOptions& options() const { return options_; }
  /// The number of the epoch that begin() will start.
  int64_t epoch() const { return epoch_; }
  /// Continues as if `epoch` epochs had been read: for training that was interrupted.
  void set_epoch(int64_t epoch) { epoch_ = epoch; }

 private:
  Dataset dataset_;
  LoaderOptions options_;
  int64_t epoch_ = 0;
};

/// How many epochs, from 1 to `epochs`, fit into so many seconds when `step` is done for each
/// batch, judged by doing it twice for the first 16: what takes longer the first time does so in
/// the first epoch alone. The loader of the caller stays where it is.
int64_t epochs_within(double seconds, int64_t epochs, Loader loader,
                      const std::function<void(const Batch&)>& step);

}  // namespace tuco::data
