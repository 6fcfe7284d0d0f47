// The stand-in of NCCL for ranks that are threads of one process, each with a device of its own. A
// collective is a task in the stream of each rank; the first of them that may run, when all have
// made the call and their streams have come to it, does the work of all. A task that somebody waits
// for gives up the lock until the other threads have called; nothing else waits.
#include <nccl.h>

#include <algorithm>
#include <cstring>

#include "state.h"

namespace standin {
namespace {

/// What one rank brings to a collective: its place in a stream, and its buffers.
struct Part {
  std::shared_ptr<CUstream_st> stream;
  std::uint64_t number = 0;
  const void* send = nullptr;
  void* receive = nullptr;
};

/// What has to be the same on all ranks.
struct Collective {
  std::string name;
  std::size_t count = 0;
  ncclDataType_t type = ncclFloat32;
  /// The root of a broadcast; -1 for a sum.
  int root = -1;
  bool operator==(const Collective&) const = default;
};
std::string text(const Collective& c) {
  return c.name + " of " + std::to_string(c.count) + " of type " + std::to_string(int(c.type)) +
         (c.root < 0 ? "" : " from " + std::to_string(c.root));
}

struct Round {
  Collective what;
  std::vector<Part> parts;
  std::size_t came = 0;
  bool done = false;
};

/// The ranks of one id.
struct Clique {
  std::vector<int> devices;  // -1: has not come
  std::vector<bool> aborted;
  std::map<std::uint64_t, std::shared_ptr<Round>> rounds;

  bool is_complete() const { return std::count(devices.begin(), devices.end(), -1) == 0; }
  bool is_broken() const { return std::count(aborted.begin(), aborted.end(), true) > 0; }
};

struct Nccl {
  std::uint64_t ids = 0;
  std::map<std::uint64_t, std::shared_ptr<Clique>> cliques;
  std::set<ncclComm_t> alive;
  std::string last_error;
};
Nccl& state() {
  static Nccl& s = *new Nccl;
  return s;
}

ncclResult_t refuse(ncclResult_t status, const std::string& why) {
  state().last_error = why;
  return status;
}

std::size_t size_of(ncclDataType_t type) {
  switch (type) {
    case ncclInt8:
    case ncclUint8:
      return 1;
    case ncclInt32:
    case ncclUint32:
    case ncclFloat32:
      return 4;
    case ncclInt64:
    case ncclUint64:
    case ncclFloat64:
      return 8;
    default:
      return 0;
  }
}

// In the order of ranks, so that all get the same; integers wrap.
template <class T, class Sum = T>
void sum(const Round& round) {
  std::vector<Sum> total(round.what.count);
  for (const Part& part : round.parts)
    for (std::size_t i = 0; i < total.size(); ++i)
      total[i] = Sum(total[i] + Sum(static_cast<const T*>(part.send)[i]));
  for (const Part& part : round.parts)
    std::copy(total.begin(), total.end(), static_cast<T*>(part.receive));
}

void compute(const Round& round) {
  if (round.what.root >= 0) {
    const void* from = round.parts[std::size_t(round.what.root)].send;
    const std::size_t bytes = round.what.count * size_of(round.what.type);
    for (const Part& part : round.parts) std::memmove(part.receive, from, bytes);
    return;
  }
  switch (round.what.type) {
    case ncclFloat32:
      return sum<float>(round);
    case ncclFloat64:
      return sum<double>(round);
    case ncclInt32:
      return sum<std::int32_t, std::uint32_t>(round);
    default:
      return sum<std::int64_t, std::uint64_t>(round);
  }
}

// The buffers that a rank reads and writes.
std::vector<Buffer> buffers_of(const Collective& what, const Part& part, int rank) {
  const std::size_t bytes = what.count * size_of(what.type);
  std::vector<Buffer> buffers = {{part.receive, bytes, "the receive buffer"}};
  if (what.root < 0 || what.root == rank) buffers.push_back({part.send, bytes, "the send buffer"});
  return buffers;
}

// Under the lock, from the stream of one of the ranks.
void run(Round& round, const Clique& clique) {
  std::vector<const Allocation*> open;
  for (std::size_t rank = 0; rank < round.parts.size(); ++rank)
    for (const Buffer& buffer : buffers_of(round.what, round.parts[rank], int(rank))) {
      require_device(buffer, round.what.name, clique.devices[rank]);  // it may have been freed
      const Allocation* a = find(buffer.at);
      if (std::find(open.begin(), open.end(), a) == open.end()) open.push_back(a);
    }
  open_only(open);
  compute(round);
  require_untouched_around(open);
  round.done = true;
}

// Whether all ranks' streams have come to their parts; brings them there.
bool ready(const std::shared_ptr<Round>& round, const std::shared_ptr<Clique>& clique,
           std::size_t rank, bool wait) {
  const auto over = [&] {
    return round->done || clique->aborted[rank] || world().sticky != cudaSuccess;
  };
  const auto all_came = [&] { return round->came == round->parts.size() && !clique->is_broken(); };
  if (over()) return true;
  if (!all_came()) {
    if (!wait) return false;
    if (!wait_for_threads([&] { return all_came() || over(); }))
      mistake(text(round->what) + ": rank " + std::to_string(rank) + " waits in vain: " +
              (clique->is_broken() ? "another rank was aborted"
                                   : std::to_string(round->came) + " of " +
                                         std::to_string(round->parts.size()) + " ranks came"));
  }
  // Tasks before a part may be collectives themselves.
  thread_local int nested = 0;
  struct Level {
    Level() { ++nested; }
    ~Level() { --nested; }
  } level;
  if (nested > 200) mistake(text(round->what) + ": streams wait for each other in a circle");
  for (const Part& part : round->parts)
    if (!over() && part.stream->done + 1 < part.number &&
        !run_until(*part.stream, part.number - 1, wait))
      return over();
  return true;
}

}  // namespace
}  // namespace standin

using namespace standin;

struct ncclComm {
  std::shared_ptr<Clique> clique;
  std::size_t rank = 0;
  std::uint64_t calls = 0;
  bool blocking = true;
  bool connected = false;
  /// What went wrong when it was made.
  ncclResult_t error = ncclSuccess;
  /// A call that goes on in the background, as the first one does while ranks are connected.
  std::function<void()> background;
  std::vector<std::shared_ptr<Round>> rounds;

  ncclResult_t status() const {
    if (error != ncclSuccess) return error;
    if (clique->is_broken()) return refuse(ncclRemoteError, "another rank was aborted");
    return clique->is_complete() ? ncclSuccess : ncclInProgress;
  }
};

namespace {

template <class Body>
ncclResult_t nccl_call(const char* function, Body body) {
  const Call entry(function);
  if (entry.planned())
    return refuse(static_cast<ncclResult_t>(entry.planned()), "planned by a test");
  if (refusal() != cudaSuccess) return refuse(ncclUnhandledCudaError, "the device is refused");
  return body();
}

void require_alive(ncclComm_t comm, const char* function) {
  if (!state().alive.contains(comm))
    mistake(std::string(function) + ": a communicator that is not alive");
}

// Two ranks on one device, which the library refuses on all ranks.
std::string shared_device(const Clique& clique) {
  for (std::size_t b = 0; b < clique.devices.size(); ++b)
    for (std::size_t a = 0; a < b; ++a)
      if (clique.devices[a] == clique.devices[b])
        return "ranks " + std::to_string(a) + " and " + std::to_string(b) + " are both on device " +
               std::to_string(clique.devices[a]);
  return "";
}

void put_part(ncclComm& comm, Collective what, const Part& given) {
  const auto clique = comm.clique;
  const std::size_t rank = comm.rank;
  auto& slot = clique->rounds[comm.calls++];
  if (!slot) {
    slot = std::make_shared<Round>();
    slot->what = what;
    slot->parts.resize(clique->devices.size());
  }
  const auto round = slot;
  if (round->what != what)
    mistake("rank " + std::to_string(rank) + " calls " + text(what) + ", another rank " +
            text(round->what));
  CUstream_st& stream = *given.stream;
  Part& part = round->parts[rank] = given;
  part.number = stream.put + 1;
  if (++round->came == round->parts.size()) clique->rounds.erase(comm.calls - 1);
  std::erase_if(comm.rounds, [](const auto& earlier) { return earlier->done; });
  comm.rounds.push_back(round);
  Task task;
  task.name = what.name;
  task.work = [=] {
    if (!round->done && !clique->aborted[rank]) ::standin::run(*round, *clique);
  };
  task.ready = [=](bool wait) { return ready(round, clique, rank, wait); };
  put(stream, std::move(task));
  wake_threads();
}

ncclResult_t start(const char* function, ncclComm_t comm, cudaStream_t stream, Collective what,
                   const void* send, void* receive) {
  return nccl_call(function, [&] {
    require_alive(comm, function);
    if (const ncclResult_t status = comm->status(); status != ncclSuccess)
      return status == ncclInProgress
                 ? refuse(ncclInvalidUsage, "the communicator is not connected yet")
                 : status;
    if (comm->background) return refuse(ncclInvalidUsage, "an earlier call is in progress");
    if (!size_of(what.type)) return refuse(ncclInvalidArgument, "a type that is not there");
    if (what.root >= int(comm->clique->devices.size()))
      return refuse(ncclInvalidArgument, "there is no such root");
    const int device = comm->clique->devices[comm->rank];
    Part part{stream_of(stream), 0, send, receive};
    if (part.stream->device != device)
      mistake(what.name + ": the stream is of device " + std::to_string(part.stream->device) +
              ", the communicator of device " + std::to_string(device));
    if (part.stream->capture) mistake(what.name + ": the stand-in's graphs have none");
    if (what.count == 0) return ncclSuccess;
    for (const Buffer& buffer : buffers_of(what, part, int(comm->rank)))
      require_device(buffer, what.name, device);
    // The library may go on in a thread of its own until ranks are connected for the first time.
    if (!comm->blocking && !std::exchange(comm->connected, true)) {
      comm->background = [=] { put_part(*comm, what, part); };
      return ncclInProgress;
    }
    put_part(*comm, what, part);
    return ncclSuccess;
  });
}

}  // namespace

extern "C" {

const char* ncclGetErrorString(ncclResult_t status) {
  switch (status) {
    case ncclSuccess:
      return "no error";
    case ncclUnhandledCudaError:
      return "unhandled cuda error";
    case ncclSystemError:
      return "unhandled system error";
    case ncclInternalError:
      return "internal error";
    case ncclInvalidArgument:
      return "invalid argument";
    case ncclInvalidUsage:
      return "invalid usage";
    case ncclRemoteError:
      return "remote process exited or there was a network error";
    case ncclInProgress:
      return "NCCL operation in progress";
    default:
      return "unknown result code";
  }
}
const char* ncclGetLastError(ncclComm_t) {
  const Call entry(nullptr);
  thread_local std::string copy;
  copy = state().last_error;
  return copy.c_str();
}

ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  return nccl_call(__func__, [&] {
    if (!id) return ncclInvalidArgument;
    std::memset(id, 0, sizeof *id);
    const std::uint64_t number = ++state().ids;
    std::memcpy(id->internal, &number, sizeof number);
    state().cliques[number] = std::make_shared<Clique>();
    return ncclSuccess;
  });
}

ncclResult_t ncclCommInitRankConfig(ncclComm_t* out, int size, ncclUniqueId id, int rank,
                                    ncclConfig_t* config) {
  return nccl_call(__func__, [&] {
    if (!out || size < 1 || rank < 0 || rank >= size) return ncclInvalidArgument;
    const ncclConfig_t as_made = NCCL_CONFIG_INITIALIZER;
    if (config && (config->size != as_made.size || config->magic != as_made.magic))
      return refuse(ncclInvalidArgument, "a configuration without NCCL_CONFIG_INITIALIZER");
    std::uint64_t number = 0;
    std::memcpy(&number, id.internal, sizeof number);
    const auto found = state().cliques.find(number);
    if (found == state().cliques.end()) mistake("an id that ncclGetUniqueId did not give");
    const auto clique = found->second;
    if (clique->devices.empty()) {
      clique->devices.assign(std::size_t(size), -1);
      clique->aborted.assign(std::size_t(size), false);
    }
    if (clique->devices.size() != std::size_t(size) || clique->devices[std::size_t(rank)] >= 0)
      mistake("rank " + std::to_string(rank) + " of " + std::to_string(size) +
              ": of another size, or there already");
    clique->devices[std::size_t(rank)] = current_device();
    auto* comm = *out = new ncclComm;
    comm->clique = clique;
    comm->rank = std::size_t(rank);
    comm->blocking = !config || config->blocking != 0;
    state().alive.insert(comm);
    wake_threads();
    if (!comm->blocking) return ncclInProgress;
    if (!wait_for_threads([&] { return clique->is_complete() || clique->is_broken(); }))
      mistake("ncclCommInitRankConfig: rank " + std::to_string(rank) + " waits in vain");
    if (const std::string shared = shared_device(*clique); !shared.empty())
      comm->error = refuse(ncclInvalidUsage, shared);
    return comm->status();
  });
}

ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t* status) {
  return nccl_call(__func__, [&] {
    require_alive(comm, "ncclCommGetAsyncError");
    if (!status) return ncclInvalidArgument;
    if (comm->clique->is_complete() && comm->error == ncclSuccess)
      if (const std::string shared = shared_device(*comm->clique); !shared.empty())
        comm->error = refuse(ncclInvalidUsage, shared);
    *status = comm->status();
    if (*status == ncclSuccess && comm->background) std::exchange(comm->background, nullptr)();
    return ncclSuccess;
  });
}

ncclResult_t ncclAllReduce(const void* send, void* receive, size_t count, ncclDataType_t type,
                           ncclRedOp_t op, ncclComm_t comm, cudaStream_t stream) {
  if (op != ncclSum || type == ncclInt8 || type == ncclUint8 || type == ncclUint32 ||
      type == ncclUint64)
    mistake("ncclAllReduce: the stand-in has sums of float, double, int32 and int64 alone");
  return start(__func__, comm, stream, {"ncclAllReduce", count, type, -1}, send, receive);
}
ncclResult_t ncclBroadcast(const void* send, void* receive, size_t count, ncclDataType_t type,
                           int root, ncclComm_t comm, cudaStream_t stream) {
  if (root < 0) return ncclInvalidArgument;
  return start(__func__, comm, stream, {"ncclBroadcast", count, type, root}, send, receive);
}

ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  return nccl_call(__func__, [&] {
    require_alive(comm, "ncclCommDestroy");
    if (comm->background) mistake("ncclCommDestroy: a call is in progress");
    // What was called is done before.
    for (const auto& round : comm->rounds) {
      const Part& part = round->parts[comm->rank];
      run_until(*part.stream, part.number);
    }
    state().alive.erase(comm);
    delete comm;
    return ncclSuccess;
  });
}
ncclResult_t ncclCommAbort(ncclComm_t comm) {
  // Also after a fault of the device.
  const Call entry(__func__);
  require_alive(comm, "ncclCommAbort");
  comm->clique->aborted[comm->rank] = true;
  state().alive.erase(comm);
  delete comm;
  wake_threads();
  return ncclSuccess;
}

}  // extern "C"
