#include "tuco/data/loader.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "tuco/core/backend.h"
#include "tuco/core/error.h"
#include "tuco/core/parallel.h"

namespace tuco::data {
namespace {

/// Batches that each worker may be ahead.
constexpr int64_t kAhead = 2;

std::vector<int64_t> order_of(int64_t size, bool shuffle, Rng rng) {
  std::vector<int64_t> order(static_cast<size_t>(size));
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int64_t>(i);
  if (shuffle)
    for (size_t i = order.size(); i > 1; --i)
      std::swap(order[i - 1], order[rng.below(static_cast<uint32_t>(i))]);
  return order;
}

}  // namespace

/// One epoch on its way. Batches are made out of order by whichever worker is free, into a ring of
/// slots, and taken from it in order.
class Loader::Iterator::Epoch {
 public:
  Epoch(Dataset dataset, const LoaderOptions& options, int64_t batches, int64_t number)
      : dataset_(std::move(dataset)),
        batch_(options.batch),
        device_(options.device),
        shard_(options.shard),
        batches_(batches),
        random_(Rng(options.seed).split(static_cast<uint64_t>(number))),
        // No sample has this number.
        order_(order_of(dataset_.size(), options.shuffle, random_.split(~uint64_t{0}))),
        slots_(static_cast<size_t>(options.workers * kAhead)) {
    try {
      for (int i = 0; i < options.workers; ++i) workers_.emplace_back([this] { work(); });
    } catch (...) {  // the system gives no more threads: end those that run
      stop();
      throw;
    }
  }
  ~Epoch() { stop(); }
  Epoch(const Epoch&) = delete;

  /// The next batch, or an undefined one at the end; throws what making it threw.
  Batch next() {
    if (taken_ == batches_) return {};
    if (slots_.empty()) return arrived(make(taken_++));
    std::unique_lock lock(mutex_);
    Slot& slot = slot_of(taken_);
    ready_.wait(lock, [&] { return slot.done; });
    Slot result = std::exchange(slot, {});
    ++taken_;
    if (result.error) {  // the epoch ends here
      taken_ = batches_;
      stopped_ = true;
      room_.notify_all();
      std::rethrow_exception(result.error);
    }
    room_.notify_one();
    lock.unlock();
    return arrived(std::move(result.made));
  }

 private:
  /// A batch on its device, or on its way there.
  struct Made {
    Batch batch;
    std::vector<std::unique_ptr<Upload>> uploads;
  };
  struct Slot {
    bool done = false;
    Made made;
    std::exception_ptr error;
  };

  Slot& slot_of(int64_t batch) { return slots_[static_cast<size_t>(batch) % slots_.size()]; }

  static Batch arrived(Made made) {
    for (const auto& upload : made.uploads) upload->join();
    return std::move(made.batch);
  }

  /// The batch, as far as a thread that reads ahead brings it.
  Made make(int64_t number) const {
    Batch read = read_batch(number);
    if (device_ == Device::cpu()) return {std::move(read), {}};
    Made made;
    for (const auto& [from, to] : {std::pair{&read.images, &made.batch.images},
                                   std::pair{&read.labels, &made.batch.labels}}) {
      *to = empty(from->shape(), {from->dtype(), device_});
      made.uploads.push_back(backend(device_).start_copy_from_host(
          to->raw(), from->raw(), from->numel() * size_of(from->dtype())));
    }
    return made;
  }

  Batch read_batch(int64_t number) const {
    const int64_t whole = number * batch_ * shard_.count;
    const int64_t count = std::min(batch_, (dataset_.size() - whole) / shard_.count);
    const int64_t first = whole + shard_.index * count;
    Shape shape{count};
    for (const int64_t size : dataset_.shape()) shape.push_back(size);
    Batch result{empty(shape), empty({count}, {.dtype = DType::int64})};
    float* values = result.images.data<float>();
    int64_t* labels = result.labels.data<int64_t>();
    const auto each = static_cast<size_t>(dataset_.shape().numel());
    for (int64_t i = 0; i < count; ++i, values += each) {
      const int64_t index = order_[static_cast<size_t>(first + i)];
      labels[i] = dataset_.label(index);
      dataset_.source().read(index, Purpose::training, random_.split(static_cast<uint64_t>(index)),
                             {values, each});
    }
    return result;
  }

  void work() {
    SerialScope serial;
    std::unique_lock lock(mutex_);
    for (;;) {
      room_.wait(lock, [&] {
        return stopped_ || made_ == batches_ ||
               made_ < taken_ + static_cast<int64_t>(slots_.size());
      });
      if (stopped_ || made_ == batches_) return;
      const int64_t number = made_++;
      lock.unlock();
      Slot slot;
      try {
        slot.made = make(number);
      } catch (...) {
        slot.error = std::current_exception();
      }
      slot.done = true;
      lock.lock();
      slot_of(number) = std::move(slot);
      ready_.notify_one();
    }
  }

  void stop() {
    {
      std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    room_.notify_all();
    for (auto& worker : workers_) worker.join();
  }

  const Dataset dataset_;
  const int64_t batch_;
  const Device device_;
  const Shard shard_;
  const int64_t batches_;
  const Rng random_;
  const std::vector<int64_t> order_;

  std::mutex mutex_;
  std::condition_variable ready_, room_;
  std::vector<Slot> slots_;
  /// Batches begun by workers, and batches given out.
  int64_t made_ = 0, taken_ = 0;
  bool stopped_ = false;
  std::vector<std::thread> workers_;
};

Loader::Iterator::Iterator(std::shared_ptr<Epoch> epoch) : epoch_(std::move(epoch)) { ++*this; }

Loader::Iterator& Loader::Iterator::operator++() {
  batch_ = {};  // so that its memory can be used for the next
  batch_ = epoch_->next();
  return *this;
}

Loader::Loader(Dataset dataset, LoaderOptions options)
    : dataset_(std::move(dataset)), options_(options) {
  require<Error>(options_.batch >= 1 && options_.workers >= 0 && options_.workers <= 1024,
                 "Loader: batches of {} by {} workers, expected at least 1 and 0 to 1024",
                 options_.batch, options_.workers);
  const Shard& shard = options_.shard;
  require<Error>(shard.count >= 1 && shard.index >= 0 && shard.index < shard.count,
                 "Loader: part {} of {}, expected a positive count and an index from 0 to below it",
                 shard.index, shard.count);
  backend(options_.device);  // is there
}

Loader::Iterator Loader::begin() {
  return Iterator(std::make_shared<Iterator::Epoch>(dataset_, options_, batches(), epoch_++));
}

int64_t Loader::batches() const {
  // Of the samples that are not left over.
  const int64_t mine = dataset_.size() / options_.shard.count;
  const int64_t rest = options_.drop_last ? 0 : options_.batch - 1;
  return (mine + rest) / options_.batch;
}

int64_t epochs_within(double seconds, int64_t epochs, Loader loader,
                      const std::function<void(const Batch&)>& step) {
  constexpr int64_t kSteps = 16;
  using Clock = std::chrono::steady_clock;
  const int64_t epoch = loader.epoch();
  const auto time_steps = [&] {
    loader.set_epoch(epoch);
    int64_t steps = 0;
    const auto start = Clock::now();
    for (const Batch& batch : loader) {
      step(batch);
      if (++steps == kSteps) break;
    }
    const std::chrono::duration<double> taken = Clock::now() - start;
    return taken.count() / static_cast<double>(std::max<int64_t>(steps, 1));
  };
  // The same batches twice: what takes longer the first time, such as decoding or drawing what is
  // then kept, is paid for in the first epoch alone.
  const double first = time_steps(), again = time_steps();
  const auto batches = static_cast<double>(loader.batches());
  const double once = std::max(0.0, first - again) * batches;
  const double fitting = (seconds - once) / (again * batches);
  if (batches == 0 || fitting < 1) return 1;
  return fitting < static_cast<double>(epochs) ? static_cast<int64_t>(fitting) : epochs;
}

}  // namespace tuco::data
