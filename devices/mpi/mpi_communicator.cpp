#include "tuco/devices/mpi/mpi_communicator.h"

// MPI's bindings for C++ are gone since version 3.
#define OMPI_SKIP_MPICXX 1
#define MPICH_SKIP_MPICXX 1
#include <mpi.h>
#ifdef __linux__
#include <sched.h>
#endif

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "tuco/core/error.h"
#include "tuco/core/parallel.h"

namespace tuco::mpi {
namespace {

/// MPI counts in int: what is longer travels in parts.
constexpr int64_t kMostAtOnce = int64_t{1} << 30;

/// Whether a sum was given up before it was done: the others wait for it in vain.
bool given_up = false;

void check(int code, const char* what) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  MPI_Error_string(code, text, &length);
  fail<Error>("MPI: {}: {}", std::string(what),
              std::string(text, static_cast<size_t>(std::max(length, 0))));
}

MPI_Datatype type_of(DType dtype) {
  switch (dtype) {
    case DType::float32:
      return MPI_FLOAT;
    case DType::float64:
      return MPI_DOUBLE;
    case DType::int32:
      return MPI_INT32_T;
    default:
      return MPI_INT64_T;
  }
}

class Sum final : public Communicator::Pending {
 public:
  Sum(MPI_Comm comm, const Tensor& tensor) : tensor_(tensor) {
    auto* bytes = static_cast<char*>(tensor.raw());
    const auto each = static_cast<int64_t>(size_of(tensor.dtype()));
    for (int64_t first = 0; first < tensor.numel(); first += kMostAtOnce) {
      const int64_t count = std::min(kMostAtOnce, tensor.numel() - first);
      MPI_Request request;
      check(MPI_Iallreduce(MPI_IN_PLACE, bytes + first * each, static_cast<int>(count),
                           type_of(tensor.dtype()), MPI_SUM, comm, &request),
            kWhat);
      requests_.push_back(request);
    }
  }
  ~Sum() override {
    if (done_) return;
    // MPI has no way to call a sum off; its bytes stay MPI's until the process ends.
    given_up = true;
    new Tensor(std::move(tensor_));
  }

  bool test() override {
    int done = done_;
    if (!done)
      check(MPI_Testall(static_cast<int>(requests_.size()), requests_.data(), &done,
                        MPI_STATUSES_IGNORE),
            kWhat);
    if (done) finish();
    return done_;
  }
  void wait() override {
    if (done_) return;
    check(MPI_Waitall(static_cast<int>(requests_.size()), requests_.data(), MPI_STATUSES_IGNORE),
          kWhat);
    finish();
  }

 private:
  static constexpr const char* kWhat = "sum over processes";

  void finish() {
    if (!done_) tensor_.storage()->bump_version();
    done_ = true;
  }

  Tensor tensor_;
  std::vector<MPI_Request> requests_;
  bool done_ = false;
};

class MpiCommunicator final : public Communicator {
 public:
  /// The processes of `others`, in a group of its own.
  MpiCommunicator(MPI_Comm others, int local_rank) : local_rank_(local_rank) {
    check(MPI_Comm_dup(others, &comm_), "MPI_Comm_dup");
    MPI_Comm_set_errhandler(comm_, MPI_ERRORS_RETURN);
    MPI_Comm_rank(comm_, &rank_);
    MPI_Comm_size(comm_, &size_);
  }
  ~MpiCommunicator() override {
    // All processes would have to call MPI_Comm_free together, which those that unwind do not.
    int over = 0;
    MPI_Finalized(&over);
    if (!over && std::uncaught_exceptions() == 0 && !given_up) MPI_Comm_free(&comm_);
  }

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  int local_rank() const override { return local_rank_; }

  std::vector<std::string> gather(std::string_view bytes) override {
    const auto size = static_cast<int64_t>(bytes.size());
    std::vector<int64_t> sizes(static_cast<size_t>(size_));
    check(MPI_Allgather(&size, 1, MPI_INT64_T, sizes.data(), 1, MPI_INT64_T, comm_), "gather");
    std::vector<std::string> result;
    for (int root = 0; root < size_; ++root) {
      std::string& part = result.emplace_back();
      if (root == rank_) part = bytes;
      part.resize(static_cast<size_t>(sizes[static_cast<size_t>(root)]));
      broadcast_bytes(part.data(), static_cast<int64_t>(part.size()), root);
    }
    return result;
  }
  void barrier() override { check(MPI_Barrier(comm_), "barrier"); }
  std::unique_ptr<Communicator> duplicate() override {
    return std::make_unique<MpiCommunicator>(comm_, local_rank_);
  }

 protected:
  std::unique_ptr<Pending> start_host_sum(const Tensor& tensor) override {
    return std::make_unique<Sum>(comm_, tensor);
  }
  void broadcast_host(const Tensor& tensor, int root) override {
    broadcast_bytes(static_cast<char*>(tensor.raw()),
                    tensor.numel() * static_cast<int64_t>(size_of(tensor.dtype())), root);
    tensor.storage()->bump_version();
  }

 private:
  void broadcast_bytes(char* bytes, int64_t size, int root) {
    for (int64_t first = 0; first < size; first += kMostAtOnce)
      check(MPI_Bcast(bytes + first, static_cast<int>(std::min(kMostAtOnce, size - first)),
                      MPI_BYTE, root, comm_),
            "broadcast");
  }

  MPI_Comm comm_ = MPI_COMM_NULL;
  int rank_ = 0, size_ = 1, local_rank_ = 0;
};

/// Where several processes of a machine may run on the same cores, each uses its share of them;
/// with all of them each, they would wait for one another.
void share_cores([[maybe_unused]] Communicator& neighbours) {
#ifdef __linux__
  cpu_set_t mine;
  if (sched_getaffinity(0, sizeof mine, &mine) != 0) return;
  // Another number is somebody's wish.
  if (std::getenv("TUCO_NUM_THREADS") || num_threads() != CPU_COUNT(&mine)) mine = {};
  const std::string_view bytes(reinterpret_cast<const char*>(&mine), sizeof mine);
  const auto all = neighbours.gather(bytes);
  const auto sharing = static_cast<int>(std::ranges::count(all, bytes));
  if (CPU_COUNT(&mine) > 0) set_num_threads(std::max(CPU_COUNT(&mine) / sharing, 1));
#endif
}

/// The processes of this machine.
std::unique_ptr<Communicator> find_neighbours() {
  MPI_Comm machine;
  check(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine),
        "MPI_Comm_split_type");
  int rank = 0;
  MPI_Comm_rank(machine, &rank);
  auto neighbours = std::make_unique<MpiCommunicator>(machine, rank);
  MPI_Comm_free(&machine);
  return neighbours;
}

/// Whether join() called MPI_Init.
bool ours = false;

/// What runs at the end of a program that returned from main or called exit: processes that wait
/// for one that failed would wait for ever.
void leave(int code) {
  int over = 0;
  MPI_Finalized(&over);
  if (over) return;
  std::fflush(nullptr);
  if (code != 0 || given_up) MPI_Abort(MPI_COMM_WORLD, code != 0 ? code : 1);
  if (ours) MPI_Finalize();
}

[[noreturn]] void end_job() {
  try {
    if (const auto error = std::current_exception()) std::rethrow_exception(error);
    fmt::print(stderr, "terminated\n");
  } catch (const std::exception& error) {
    fmt::print(stderr, "terminated by an exception: {}\n", error.what());
  } catch (...) {
    fmt::print(stderr, "terminated by an exception\n");
  }
  std::fflush(nullptr);
  MPI_Abort(MPI_COMM_WORLD, 1);
  std::abort();
}

}  // namespace

bool is_initialized() {
  int initialized = 0;
  MPI_Initialized(&initialized);
  return initialized != 0;
}

Communicator& join() {
  if (!is_initialized()) {
    int provided = 0;
    check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided), "MPI_Init_thread");
    ours = true;
  }
#ifdef __GLIBC__
  on_exit([](int code, void*) { leave(code); }, nullptr);
#else
  std::atexit([] { leave(0); });  // here an exit code says nothing; launchers see to it
#endif
  std::set_terminate(end_job);
  const auto neighbours = find_neighbours();
  share_cores(*neighbours);
  // Lives to the end, beyond whatever uses it.
  static Communicator& world = *new MpiCommunicator(MPI_COMM_WORLD, neighbours->rank());
  return world;
}

}  // namespace tuco::mpi
