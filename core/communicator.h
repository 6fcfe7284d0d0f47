// Communicator: the processes that train together, and what they do together. Every call is made by
// all of them, in the same order; a process that ends by an error ends the others, too.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tuco/core/tensor.h"

namespace tuco {

/// A group of processes. Tensors are dense, and of the same shape and type on all of them, either
/// on the CPU or on a GPU that is the process's own; what changes them in place tells the tape as
/// all methods ending in _ do. Throws Error with the transport's own text where communication
/// fails, and DeviceError for tensors on devices that cannot be connected. One thread at a time may
/// call it.
class Communicator {
 public:
  virtual ~Communicator() = default;

  /// This process's number, from 0 to size() - 1.
  virtual int rank() const = 0;
  /// How many processes there are.
  virtual int size() const = 0;
  /// This process's number among those of its machine, from 0.
  virtual int local_rank() const = 0;

  /// A sum on its way. It holds the tensor, whose bytes belong to it until wait() returns. One that
  /// is dropped before has given the group up: it cannot be used any more.
  class Pending {
   public:
    virtual ~Pending() = default;
    /// Moves it forward, and says whether it is done. Throws as the sum does.
    virtual bool test() = 0;
    /// Returns when it is done; on a GPU, as soon as what is asked of the device from now on comes
    /// after it, without waiting for the device. Throws as the sum does.
    virtual void wait() = 0;
  };
  /// Begins to replace the tensor, on every process, by the sum over all of them. Throws DTypeError
  /// unless it is float32, float64, int32 or int64, and Error if it is not dense. On a GPU it comes
  /// after what was asked of the device before.
  std::unique_ptr<Pending> start_sum(const Tensor& tensor);
  /// The same from begin to end.
  void sum(const Tensor& tensor) { start_sum(tensor)->wait(); }

  /// Replaces the tensor, of any type, by the one of process `root`. Throws Error if it is not
  /// dense or there is no such process.
  void broadcast(const Tensor& tensor, int root = 0);
  /// The bytes that each process gave, of whatever length, in the order of ranks.
  virtual std::vector<std::string> gather(std::string_view bytes) = 0;
  /// Returns when all processes have called it.
  virtual void barrier() = 0;

  /// The same processes again, as a group whose calls have an order of their own.
  virtual std::unique_ptr<Communicator> duplicate() = 0;

  /// The same for tensors on GPUs, one of each process, connected by a transport of their own.
  class DeviceGroup {
   public:
    virtual ~DeviceGroup() = default;
    virtual std::unique_ptr<Pending> start_sum(const Tensor& tensor) = 0;
    virtual void broadcast(const Tensor& tensor, int root) = 0;
  };

 protected:
  /// start_sum and broadcast for tensors on the CPU that are as they have to be.
  virtual std::unique_ptr<Pending> start_host_sum(const Tensor& tensor) = 0;
  virtual void broadcast_host(const Tensor& tensor, int root) = 0;
  /// A sum that there was nothing to do for.
  static std::unique_ptr<Pending> finished();

 private:
  DeviceGroup& group(Device device);

  /// Made when a device's first tensor comes.
  std::vector<std::pair<Device, std::unique_ptr<DeviceGroup>>> groups_;
};

/// Connects the GPUs of several processes, of which `device` is this one's: called by all of them
/// together. Throws DeviceError, on all of them, where two have the same GPU, or one has no
/// transport for them.
std::unique_ptr<Communicator::DeviceGroup> connect(Communicator& processes, Device device);

/// A number that each process gave, in the order of ranks.
std::vector<double> gather(Communicator& communicator, double value);
/// Whether `value` is true on any process: how processes agree to stop.
bool any(Communicator& communicator, bool value);

/// How many processes the program was started as, by what mpirun and its like leave in the
/// environment; 1 where there is nothing of that kind.
int launched_processes();

/// The processes that mpirun or another launcher of MPI started, or this one alone if it was
/// started by itself. The first call joins them, and shares a machine's cores among its processes
/// unless TUCO_NUM_THREADS or set_num_threads said how many threads to use; at the program's end
/// they part. A program that ends with an exit code other than 0 or by an exception ends the whole
/// job. Throws DeviceError if there are several processes but this build of Tuco has no MPI, Error
/// if MPI fails.
Communicator& world();

/// The GPU that belongs to this process, so that those of one machine have one each: the processes
/// of a machine count through its GPUs, or those that CUDA_VISIBLE_DEVICES leaves to each. Throws
/// DeviceError if there is none.
Device local_device(const Communicator& processes = world());

}  // namespace tuco
