// DataParallel: one network trained by several processes, each with its share of every batch. When
// backward() returns, the gradients are the means over all processes, so that equal weights stay
// equal; they travel in buckets, while backward() still computes others (Li et al.,
// arXiv:2006.15704).
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "tuco/autograd/leaf_observer.h"
#include "tuco/core/communicator.h"
#include "tuco/core/safetensors.h"

namespace tuco {

/// Options of DataParallel.
struct DataParallelOptions {
  /// Gradients travel together until there are so many bytes of them: the fewer, the earlier the
  /// first ones set out; the more, the less often the processes wait for one another.
  int64_t bucket_bytes = 256 << 10;
  /// The processes; null for world(). It has to outlive the DataParallel.
  Communicator* processes = nullptr;
};

/// As long as one lives, every backward() that reaches the parameters is a matter of all processes:
/// each has to call as many. A parameter without a gradient on some processes counts as zero there,
/// and keeps none where no process has one. In one process alone it does nothing.
///
/// The mean is over processes, so it is that of the whole batch if their shares are equal, as the
/// Loader's are. What is random in a network (dropout) comes from each process's own generator:
/// call manual_seed with numbers of their own after this object is made. Batch norm takes the
/// statistics of each process's share, and the running ones differ, as in PyTorch.
class DataParallel : LeafObserver {
 public:
  /// Gives all processes the parameters and buffers of process 0; made after Module::to, as
  /// optimizers are. Throws Error, on every process, if their names, shapes or types differ between
  /// processes; and on its own where a parameter does not require a gradient, is not dense, is
  /// there twice or in another DataParallel, or bucket_bytes is not positive.
  explicit DataParallel(const NamedTensors& parameters, const NamedTensors& buffers = {},
                        const DataParallelOptions& options = {});
  ~DataParallel() override;
  DataParallel(const DataParallel&) = delete;
  DataParallel& operator=(const DataParallel&) = delete;

  /// While one lives, gradients stay where they are, and add up: for all but the last of several
  /// backward() calls before one step of the optimizer. Without it the result is the same, but
  /// everything travels every time.
  class Accumulating {
   public:
    explicit Accumulating(DataParallel& parallel) : parallel_(parallel) {
      ++parallel_.accumulating_;
    }
    ~Accumulating() { --parallel_.accumulating_; }
    Accumulating(const Accumulating&) = delete;
    Accumulating& operator=(const Accumulating&) = delete;

   private:
    DataParallel& parallel_;
  };

  /// Gives all processes the buffers of process 0, which are those that a checkpoint of process 0
  /// holds: before every process evaluates a part of a test set.
  void broadcast_buffers();
  /// Throws Error, on every process, naming the first parameter whose values are not the same bit
  /// for bit on all of them: where something besides the optimizer changed weights.
  void check_equal() const;

  /// What was sent since the start.
  struct Statistics {
    /// Buckets, and how many of them set out while backward() still had gradients to compute.
    int64_t buckets = 0, overlapped = 0;
    /// What backward() waited for them at its end, in seconds; on GPUs, which wait by themselves,
    /// about nothing.
    double waited = 0;
  };
  const Statistics& statistics() const { return statistics_; }

 private:
  /// A parameter with its place in a bucket.
  struct Item {
    std::string name;
    Tensor parameter;
    size_t bucket;
    /// In the bucket's numbers: the gradient, and 1 where the process has one.
    Tensor gradient, has_gradient;
    bool ready;
  };
  /// Gradients that travel together, and behind them a number for each that says if it is there.
  struct Bucket {
    Tensor numbers, flags;
    std::vector<size_t> items;
    size_t missing;
    std::unique_ptr<Communicator::Pending> pending;
  };

  void make_buckets(int64_t bucket_bytes);
  void backward_begins() override;
  void leaf_is_final(int64_t leaf) override;
  void backward_ends() override;
  void pack(Item& item);
  void unpack(const Bucket& bucket);
  void start_ready_buckets();

  /// The processes, with calls in an order of their own.
  std::unique_ptr<Communicator> processes_;
  NamedTensors buffers_;
  std::vector<Item> items_;
  std::vector<Bucket> buckets_;
  /// The first bucket that has not set out: they go in the same order everywhere.
  size_t next_ = 0;
  size_t left_ = 0;
  int accumulating_ = 0;
  bool sending_ = false;
  Statistics statistics_;
  std::unique_ptr<LeafObservation> observation_;
};

}  // namespace tuco
