#include "tuco/optimizers/data_parallel.h"

#include <algorithm>
#include <chrono>
#include <unordered_set>

#include "tuco/autograd/run_op.h"
#include "tuco/core/error.h"

namespace tuco {
namespace {

/// What has to be the same on all processes, a line for each tensor and one for how they travel.
std::string description(const NamedTensors& tensors, const char* kind) {
  std::string text;
  for (const auto& [name, tensor] : tensors)
    text += fmt::format("{} '{}' {} {} on {}\n", kind, name, tensor.dtype(), tensor.shape(),
                        tensor.device().kind == Device::Kind::cpu ? "the CPU" : "a GPU");
  return text;
}

/// The first line in which two texts differ, of each.
std::pair<std::string, std::string> first_difference(std::string_view a, std::string_view b) {
  const auto line = [](std::string_view& text) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string result(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    return result.empty() ? std::string("nothing more") : result;
  };
  while (true) {
    auto first = line(a), second = line(b);
    if (first != second) return {first, second};
  }
}

/// A view of the numbers of a flat tensor from `first` on, in a shape.
Tensor part(const Tensor& flat, int64_t first, const Shape& shape) {
  return Tensor(flat.storage(), Layout(shape, Layout(shape).strides, first), flat.dtype());
}

}  // namespace

DataParallel::DataParallel(const NamedTensors& parameters, const NamedTensors& buffers,
                           const DataParallelOptions& options) {
  require<Error>(options.bucket_bytes > 0, "DataParallel: buckets of {} bytes, expected at least 1",
                 options.bucket_bytes);
  require<Error>(!parameters.empty(), "DataParallel: no parameters");
  std::unordered_set<const void*> seen;
  for (const auto& [name, tensor] : parameters) {
    require<Error>(tensor.requires_grad(),
                   "DataParallel: parameter '{}' does not require a gradient", name);
    require<Error>(tensor.is_contiguous(), "DataParallel: parameter '{}' of shape {} is not dense",
                   name, tensor.shape());
    require<Error>(seen.insert(tensor.id()).second, "DataParallel: parameter '{}' is there twice",
                   name);
    require<Error>(tensor.grad_state()->observation == nullptr,
                   "DataParallel: parameter '{}' is in another DataParallel", name);
    items_.push_back({name, tensor, 0, {}, {}, false});
  }
  for (const auto& [name, tensor] : buffers) {
    require<Error>(tensor.is_contiguous(), "DataParallel: buffer '{}' of shape {} is not dense",
                   name, tensor.shape());
    buffers_.emplace_back(name, tensor.detach());
  }
  Communicator& processes = options.processes ? *options.processes : world();
  processes_ = processes.duplicate();
  std::vector<Tensor> leaves;
  for (const Item& item : items_) leaves.push_back(item.parameter);
  // Observed in one process, too, so that mistakes show there.
  observation_ = std::make_unique<LeafObservation>(leaves, static_cast<LeafObserver&>(*this));
  if (processes_->size() == 1) return;

  const std::string mine = description(parameters, "parameter") + description(buffers, "buffer") +
                           fmt::format("buckets of {} bytes\n", options.bucket_bytes);
  const auto all = processes_->gather(mine);
  for (size_t rank = 1; rank < all.size(); ++rank) {
    if (all[rank] == all[0]) continue;
    const auto [expected, came] = first_difference(all[0], all[rank]);
    fail<Error>("DataParallel: process {} has {}, process 0 {}", rank, came, expected);
  }
  for (const Item& item : items_) processes_->broadcast(item.parameter.detach());
  broadcast_buffers();
  make_buckets(options.bucket_bytes);
}

DataParallel::~DataParallel() = default;

void DataParallel::make_buckets(int64_t bucket_bytes) {
  // Backward comes to the last parameters first.
  int64_t bytes = 0;
  for (size_t i = items_.size(); i-- > 0;) {
    const TensorMeta meta = items_[i].parameter.meta();
    const auto size = meta.shape.numel() * static_cast<int64_t>(size_of(meta.dtype));
    const auto goes_with = [&](const Bucket& bucket) {
      const Tensor& other = items_[bucket.items[0]].parameter;
      return other.dtype() == meta.dtype && other.device() == meta.device &&
             bytes + size <= bucket_bytes;
    };
    if (buckets_.empty() || !goes_with(buckets_.back())) {
      buckets_.emplace_back();
      bytes = 0;
    }
    bytes += size;
    items_[i].bucket = buckets_.size() - 1;
    buckets_.back().items.push_back(i);
  }
  for (Bucket& bucket : buckets_) {
    const Tensor& first = items_[bucket.items[0]].parameter;
    int64_t place = 0;
    for (const size_t i : bucket.items) place += items_[i].parameter.numel();
    const auto flags = static_cast<int64_t>(bucket.items.size());
    bucket.numbers = empty({place + flags}, {first.dtype(), first.device()});
    bucket.flags = part(bucket.numbers, place, {flags});
    int64_t flag = place;
    place = 0;
    for (const size_t i : bucket.items) {
      const Shape& shape = items_[i].parameter.shape();
      items_[i].gradient = part(bucket.numbers, place, shape);
      items_[i].has_gradient = part(bucket.numbers, flag++, {});
      place += shape.numel();
    }
  }
}

void DataParallel::broadcast_buffers() {
  for (const auto& [name, tensor] : buffers_) processes_->broadcast(tensor);
}

void DataParallel::check_equal() const {
  std::string equal;
  for (const Item& item : items_) {
    // Off the CPU, too; bytes, so that numbers that are none compare.
    const Tensor mine = item.parameter.detach().to(Device::cpu());
    const Tensor first = mine.clone();
    processes_->broadcast(first);
    const auto bytes = static_cast<size_t>(mine.numel()) * size_of(mine.dtype());
    equal.push_back(std::equal(static_cast<const char*>(mine.raw()),
                               static_cast<const char*>(mine.raw()) + bytes,
                               static_cast<const char*>(first.raw())));
  }
  const auto all = processes_->gather(equal);
  for (size_t i = 0; i < items_.size(); ++i)
    for (size_t rank = 0; rank < all.size(); ++rank)
      require<Error>(all[rank][i] != 0,
                     "DataParallel: the values of parameter '{}' differ between processes {} and 0",
                     items_[i].name, rank);
}

void DataParallel::backward_begins() {
  sending_ = false;
  require<Error>(next_ == 0,
                 "DataParallel: the last backward() ended with an exception when gradients were on "
                 "their way, so that the processes are out of step");
  for (const Item& item : items_)
    require<Error>(item.parameter.requires_grad() && item.parameter.grad_state()->observation,
                   "DataParallel: parameter '{}' does not require a gradient any more", item.name);
  if (buckets_.empty() || accumulating_ > 0) return;
  sending_ = true;
  left_ = items_.size();
  for (Bucket& bucket : buckets_) {
    bucket.missing = bucket.items.size();
    bucket.flags.fill_(1);
  }
  for (Item& item : items_) item.ready = false;
}

void DataParallel::leaf_is_final(int64_t leaf) {
  if (!sending_) return;
  pack(items_[static_cast<size_t>(leaf)]);
  start_ready_buckets();
  // Many an MPI moves sums forward only when it is called.
  for (size_t i = 0; i < next_; ++i) buckets_[i].pending->test();
}

void DataParallel::backward_ends() {
  if (!sending_) return;
  for (Item& item : items_)
    if (!item.ready) pack(item);
  start_ready_buckets();
  using Clock = std::chrono::steady_clock;
  for (Bucket& bucket : buckets_) {
    const auto start = Clock::now();
    bucket.pending->wait();
    statistics_.waited += std::chrono::duration<double>(Clock::now() - start).count();
    unpack(bucket);
  }
  for (Bucket& bucket : buckets_) bucket.pending = nullptr;
  next_ = 0;
}

void DataParallel::pack(Item& item) {
  const Tensor gradient = item.parameter.grad();
  if (gradient.defined()) {
    // The mean as a sum of parts, which does not overflow where the gradients do not.
    run_in_place(op::Affine{1.0 / processes_->size(), 0}, {&gradient, 1}, {&item.gradient, 1});
  } else {
    item.gradient.zero_();
    item.has_gradient.zero_();
  }
  item.ready = true;
  --left_;
  --buckets_[item.bucket].missing;
}

void DataParallel::unpack(const Bucket& bucket) {
  // Looked at only where it matters, since a GPU has to be waited for: once for the whole bucket.
  std::vector<double> flags;
  for (size_t i = 0; i < bucket.items.size(); ++i) {
    const Item& item = items_[bucket.items[i]];
    Tensor gradient = item.parameter.grad();
    if (gradient.defined() && gradient.is_contiguous()) {
      gradient.copy_(item.gradient);
      continue;
    }
    if (!gradient.defined() && flags.empty())
      flags = bucket.flags.to(Device::cpu()).to(DType::float64).to_vector<double>();
    if (gradient.defined() || flags[i] > 0) Tensor(item.parameter).set_grad(item.gradient.clone());
  }
}

void DataParallel::start_ready_buckets() {
  for (; next_ < buckets_.size() && buckets_[next_].missing == 0; ++next_) {
    buckets_[next_].pending = processes_->start_sum(buckets_[next_].numbers);
    ++statistics_.buckets;
    if (left_ > 0) ++statistics_.overlapped;
  }
}

}  // namespace tuco
