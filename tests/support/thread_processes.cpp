#include "tests/support/thread_processes.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "tuco/core/error.h"

namespace tuco::test {
namespace {

/// What the n-th call of each process, whatever it is, has in common.
struct Round {
  std::vector<std::string> given;
  int came = 0, left = 0;
  /// The group that duplicate() makes.
  std::shared_ptr<class Group> group;
};

class Group {
 public:
  Group(int size, std::shared_ptr<std::atomic<bool>> failed)
      : size_(size), failed_(std::move(failed)) {}

  int size() const { return size_; }
  const std::shared_ptr<std::atomic<bool>>& failed() const { return failed_; }

  void give(int64_t number, int rank, std::string bytes) {
    const std::lock_guard lock(mutex_);
    Round& round = rounds_[number];
    round.given.resize(static_cast<size_t>(size_));
    round.given[static_cast<size_t>(rank)] = std::move(bytes);
    if (++round.came == size_) round.group = std::make_shared<Group>(size_, failed_);
    changed_.notify_all();
  }
  bool is_complete(int64_t number) {
    const std::lock_guard lock(mutex_);
    return rounds_[number].came == size_;
  }
  /// What all gave, once they did.
  Round take(int64_t number) {
    std::unique_lock lock(mutex_);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (rounds_[number].came < size_) {
      require<Error>(!*failed_, "another process ended by an exception");
      require<Error>(std::chrono::steady_clock::now() < end, "call {} waits in vain", number);
      changed_.wait_for(lock, std::chrono::milliseconds(5));
    }
    Round& round = rounds_[number];
    Round result = round;
    if (++round.left == size_) rounds_.erase(number);
    return result;
  }

 private:
  const int size_;
  const std::shared_ptr<std::atomic<bool>> failed_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<int64_t, Round> rounds_;
};

std::string bytes_of(const Tensor& tensor) {
  return {static_cast<const char*>(tensor.raw()),
          static_cast<size_t>(tensor.numel()) * size_of(tensor.dtype())};
}

void put_bytes(const Tensor& tensor, const std::string& bytes) {
  require<Error>(bytes.size() == bytes_of(tensor).size(), "{} bytes came for a tensor of {}",
                 bytes.size(), bytes_of(tensor).size());
  std::memcpy(tensor.raw(), bytes.data(), bytes.size());
  tensor.storage()->bump_version();
}

template <class T>
void sum_into(const Tensor& tensor, const std::vector<std::string>& given) {
  std::vector<T> total(static_cast<size_t>(tensor.numel()));
  for (const std::string& bytes : given) {
    require<Error>(bytes.size() == total.size() * sizeof(T), "a sum of {} and {} bytes",
                   total.size() * sizeof(T), bytes.size());
    std::vector<T> part(total.size());
    std::memcpy(part.data(), bytes.data(), bytes.size());
    for (size_t i = 0; i < total.size(); ++i) total[i] += part[i];
  }
  put_bytes(tensor, {reinterpret_cast<const char*>(total.data()), total.size() * sizeof(T)});
}

class ThreadCommunicator final : public Communicator {
 public:
  ThreadCommunicator(std::shared_ptr<Group> group, int rank)
      : group_(std::move(group)), rank_(rank) {}

  int rank() const override { return rank_; }
  int size() const override { return group_->size(); }
  int local_rank() const override { return rank_; }
  std::vector<std::string> gather(std::string_view bytes) override {
    return exchange(std::string(bytes)).given;
  }
  void barrier() override { exchange({}); }
  std::unique_ptr<Communicator> duplicate() override {
    return std::make_unique<ThreadCommunicator>(exchange({}).group, rank_);
  }

 protected:
  std::unique_ptr<Pending> start_host_sum(const Tensor& tensor) override {
    group_->give(++calls_, rank_, bytes_of(tensor));
    return std::make_unique<Sum>(group_, calls_, tensor);
  }
  void broadcast_host(const Tensor& tensor, int root) override {
    put_bytes(tensor, exchange(bytes_of(tensor)).given[static_cast<size_t>(root)]);
  }

 private:
  class Sum final : public Pending {
   public:
    Sum(std::shared_ptr<Group> group, int64_t number, Tensor tensor)
        : group_(std::move(group)), number_(number), tensor_(std::move(tensor)) {}
    bool test() override {
      if (!done_ && group_->is_complete(number_)) wait();
      return done_;
    }
    void wait() override {
      if (std::exchange(done_, true)) return;
      const auto given = group_->take(number_).given;
      if (tensor_.dtype() == DType::float32)
        sum_into<float>(tensor_, given);
      else if (tensor_.dtype() == DType::float64)
        sum_into<double>(tensor_, given);
      else
        fail<DTypeError>("no sum of {} in this test", tensor_.dtype());
    }

   private:
    std::shared_ptr<Group> group_;
    int64_t number_;
    Tensor tensor_;
    bool done_ = false;
  };

  Round exchange(std::string bytes) {
    group_->give(++calls_, rank_, std::move(bytes));
    return group_->take(calls_);
  }

  std::shared_ptr<Group> group_;
  int rank_;
  int64_t calls_ = 0;
};

}  // namespace

void run_processes(int count, const std::function<void(Communicator&)>& body) {
  const auto failed = std::make_shared<std::atomic<bool>>(false);
  const auto group = std::make_shared<Group>(count, failed);
  std::vector<std::exception_ptr> errors(static_cast<size_t>(count));
  std::vector<std::thread> threads;
  for (int rank = 0; rank < count; ++rank)
    threads.emplace_back([&, rank] {
      ThreadCommunicator communicator(group, rank);
      try {
        body(communicator);
      } catch (...) {
        errors[static_cast<size_t>(rank)] = std::current_exception();
        *failed = true;
      }
    });
  for (std::thread& thread : threads) thread.join();
  for (const auto& error : errors)
    if (error) std::rethrow_exception(error);
}

}  // namespace tuco::test
