#include "tuco/devices/cuda/nccl.h"

#include "tuco/core/error.h"
#ifdef TUCO_HAVE_NCCL
#include <nccl.h>

#include <chrono>
#include <cstring>
#include <exception>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "tuco/devices/cuda/cuda_backend.h"
#include "tuco/devices/cuda/device_context.h"
#include "tuco/devices/cuda/library.h"
#endif

namespace tuco::cuda {

#ifdef TUCO_HAVE_NCCL
namespace {

// clang-format off
#define TUCO_NCCL_FUNCTIONS(F)                                                \
  F(ncclGetUniqueId) F(ncclCommInitRankConfig) F(ncclAllReduce)               \
  F(ncclBroadcast) F(ncclCommAbort) F(ncclCommDestroy)                        \
  F(ncclCommGetAsyncError) F(ncclGetErrorString) F(ncclGetLastError)
// clang-format on

/// The functions of NCCL that are called here.
struct Nccl {
#define TUCO_POINTER(name) decltype(&::name) name;
  TUCO_NCCL_FUNCTIONS(TUCO_POINTER)
#undef TUCO_POINTER
};

const Nccl& nccl() {
  static const Nccl table = [] {
    const Library library("NCCL", "TUCO_NCCL", TUCO_LIBRARY_FILE("nccl", NCCL_MAJOR));
    Nccl result;
#define TUCO_FIND(name) library.find(result.name, #name);
    TUCO_NCCL_FUNCTIONS(TUCO_FIND)
#undef TUCO_FIND
    return result;
  }();
  return table;
}

ncclDataType_t type_of(DType dtype) {
  switch (dtype) {
    case DType::float32:
      return ncclFloat32;
    case DType::float64:
      return ncclFloat64;
    case DType::int32:
      return ncclInt32;
    default:
      return ncclInt64;
  }
}

/// How long processes may be apart when they connect and when they part.
constexpr std::chrono::minutes kLongest{10};

/// How long to wait before NCCL is asked again.
void rest() { std::this_thread::sleep_for(std::chrono::microseconds(50)); }

/// What a process tells the others before its GPU is connected.
struct Card {
  cudaUUID_t gpu;
  /// Process 0's names the group.
  ncclUniqueId id;
};

/// NCCL's communicator of one GPU, with the stream that its work goes through. It is used in the
/// mode in which NCCL's calls do not block, so that an error at another process ends the waiting.
class Link {
 public:
  Link(DeviceContext& context, int rank, int size, const ncclUniqueId& id)
      : context_(context), rank_(rank) {
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    config.blocking = 0;
    try {
      settle(nccl().ncclCommInitRankConfig(&comm_, size, id, rank, &config), "connecting GPUs");
    } catch (...) {
      abort();
      throw;
    }
  }
  ~Link() {
    // Unwinding, or with a sum given up, others may not come any more.
    if (std::uncaught_exceptions() > 0) given_up_ = true;
    try {
      const DeviceGuard guard(context_.index());
      Event end;
      end.record(stream_);
      const auto latest = std::chrono::steady_clock::now() + kLongest;
      while (comm_ && !given_up_ && !end.is_done()) {
        if (std::chrono::steady_clock::now() > latest) given_up_ = true;
        require_healthy("ending");
        rest();
      }
      if (comm_ && !given_up_) nccl().ncclCommDestroy(std::exchange(comm_, nullptr));
    } catch (const std::exception&) {
      // Whoever waits for the device next hears of it.
    }
    abort();
  }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  DeviceContext& context() { return context_; }

  /// Puts `call`, given the communicator and its stream, behind what was asked of the device so
  /// far; `done` marks its end. The device is current.
  template <class Call>
  void start(const char* what, Event& done, const Call& call) {
    require_healthy(what);
    const std::lock_guard lock(context_.mutex);
    Event ready;
    ready.record(context_.stream());
    ready.hold(stream_);
    settle(call(comm_, stream_), what);
    done.record(stream_);
  }

  /// Throws CudaError if NCCL has found something wrong since it was last asked.
  void require_healthy(const char* what) {
    require<CudaError>(
        comm_ && !given_up_,
        "NCCL: {}: process {} gave this group up after an error or an unfinished sum", what, rank_);
    ncclResult_t state = ncclSuccess;
    check(nccl().ncclCommGetAsyncError(comm_, &state), what);
    check(state, what);
  }

  /// Keeps the tensor of a sum that nobody waits for any more until NCCL has stopped writing.
  void give_up(Tensor tensor) {
    given_up_ = true;
    abandoned_.push_back(std::move(tensor));
  }

 private:
  /// Waits until a call that NCCL goes on with in another thread is in the stream. A process that
  /// failed before it connected is not noticed by NCCL: then time decides.
  void settle(ncclResult_t state, const char* what) {
    const auto end = std::chrono::steady_clock::now() + kLongest;
    while (state == ncclInProgress) {
      if (std::chrono::steady_clock::now() > end) {
        given_up_ = true;
        fail<CudaError>("NCCL: {}, process {}: other processes did not come within {} minutes",
                        what, rank_, kLongest.count());
      }
      rest();
      check(nccl().ncclCommGetAsyncError(comm_, &state), what);
    }
    check(state, what);
  }

  void check(ncclResult_t state, const char* what) {
    if (state == ncclSuccess || state == ncclInProgress) return;
    given_up_ = true;
    const char* detail = nccl().ncclGetLastError(comm_);
    const bool more = detail && *detail;
    fail<CudaError>("NCCL: {}, process {}: {}{}{}", what, rank_, nccl().ncclGetErrorString(state),
                    more ? ": " : "", more ? detail : "");
  }

  /// Ends what is on its way, if anything is; what comes after it in other streams goes on.
  void abort() noexcept {
    if (comm_) nccl().ncclCommAbort(std::exchange(comm_, nullptr));
  }

  DeviceContext& context_;
  const int rank_;
  Stream stream_;
  ncclComm_t comm_ = nullptr;
  bool given_up_ = false;
  std::vector<Tensor> abandoned_;
};

/// A sum or a broadcast that the device does beside its other work.
class OnDevice final : public Communicator::Pending {
 public:
  template <class Call>
  OnDevice(std::shared_ptr<Link> link, const char* what, const Tensor& tensor, const Call& call)
      : link_(std::move(link)), what_(what), tensor_(tensor) {
    const DeviceGuard guard(index());
    done_.emplace();
    link_->start(what, *done_, call);
  }
  ~OnDevice() override {
    if (!joined_) link_->give_up(std::move(tensor_));
  }

  bool test() override {
    if (joined_) return true;
    const DeviceGuard guard(index());
    link_->require_healthy(what_);
    if (!done_->is_done()) return false;
    join();
    return true;
  }
  void wait() override {
    if (joined_) return;
    const DeviceGuard guard(index());
    link_->require_healthy(what_);
    join();
  }

 private:
  int index() { return link_->context().index(); }
  void join() {
    const std::lock_guard lock(link_->context().mutex);
    done_->hold(link_->context().stream());
    joined_ = true;
    tensor_.storage()->bump_version();
  }

  std::shared_ptr<Link> link_;
  const char* what_;
  Tensor tensor_;
  std::optional<Event> done_;
  bool joined_ = false;
};

class NcclGroup final : public Communicator::DeviceGroup {
 public:
  explicit NcclGroup(std::shared_ptr<Link> link) : link_(std::move(link)) {}

  std::unique_ptr<Communicator::Pending> start_sum(const Tensor& tensor) override {
    return start("sum over processes", tensor, [&](ncclComm_t comm, cudaStream_t stream) {
      return nccl().ncclAllReduce(tensor.raw(), tensor.raw(), static_cast<size_t>(tensor.numel()),
                                  type_of(tensor.dtype()), ncclSum, comm, stream);
    });
  }
  void broadcast(const Tensor& tensor, int root) override {
    const size_t bytes = static_cast<size_t>(tensor.numel()) * size_of(tensor.dtype());
    start("broadcast", tensor, [&](ncclComm_t comm, cudaStream_t stream) {
      return nccl().ncclBroadcast(tensor.raw(), tensor.raw(), bytes, ncclInt8, root, comm, stream);
    })->wait();
  }

 private:
  template <class Call>
  std::unique_ptr<Communicator::Pending> start(const char* what, const Tensor& tensor,
                                               const Call& call) {
    return std::make_unique<OnDevice>(link_, what, tensor,
                                      [&](ncclComm_t comm, cudaStream_t stream) {
                                        return tensor.numel() ? call(comm, stream) : ncclSuccess;
                                      });
  }

  std::shared_ptr<Link> link_;
};

/// Tells all processes what this one has, or why it cannot, and returns all cards. Throws on all of
/// them where one cannot: none is left waiting for another.
std::vector<Card> exchange(Communicator& processes, DeviceContext& context) {
  Card mine{};
  std::string error;
  try {
    mine.gpu = context.properties().uuid;
    const ncclResult_t state =
        processes.rank() == 0 ? nccl().ncclGetUniqueId(&mine.id) : (nccl(), ncclSuccess);
    require<DeviceError>(state == ncclSuccess, "NCCL: {}", nccl().ncclGetErrorString(state));
  } catch (const Error& caught) {
    error = caught.what();
  }
  const auto all =
      processes.gather(std::string(reinterpret_cast<const char*>(&mine), sizeof mine) + error);
  std::vector<Card> cards(all.size());
  for (size_t rank = 0; rank < all.size(); ++rank) {
    require<DeviceError>(all[rank].size() == sizeof mine,
                         "the GPUs of {} processes cannot be connected: process {}: {}",
                         processes.size(), rank,
                         all[rank].substr(std::min(sizeof mine, all[rank].size())));
    std::memcpy(&cards[rank], all[rank].data(), sizeof mine);
  }
  return cards;
}

}  // namespace

std::unique_ptr<Communicator::DeviceGroup> connect_by_nccl(Communicator& processes, int index) {
  DeviceContext& context = context_of(index);
  const DeviceGuard guard(index);
  const std::vector<Card> cards = exchange(processes, context);
  for (size_t b = 1; b < cards.size(); ++b)
    for (size_t a = 0; a < b; ++a)
      require<DeviceError>(std::memcmp(&cards[a].gpu, &cards[b].gpu, sizeof cards[a].gpu) != 0,
                           "processes {} and {} have the same GPU, expected one for each: "
                           "local_device() gives them out",
                           a, b);
  return std::make_unique<NcclGroup>(
      std::make_shared<Link>(context, processes.rank(), processes.size(), cards[0].id));
}

#else

std::unique_ptr<Communicator::DeviceGroup> connect_by_nccl(Communicator& processes, int) {
  fail<DeviceError>(
      "the GPUs of {} processes cannot be connected: this build of Tuco has no NCCL; "
      "nccl.h has to be there when it is configured",
      processes.size());
}

#endif

}  // namespace tuco::cuda
