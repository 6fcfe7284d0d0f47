#include "tuco/core/communicator.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "tuco/core/backend.h"
#include "tuco/core/error.h"

namespace tuco {

std::unique_ptr<Communicator::Pending> Communicator::start_sum(const Tensor& tensor) {
  const DType dtype = tensor.dtype();
  require<DTypeError>(dtype == DType::float32 || dtype == DType::float64 || dtype == DType::int32 ||
                          dtype == DType::int64,
                      "sum over processes: the tensor is {}, expected float32, float64, int32 or "
                      "int64",
                      dtype);
  require<Error>(tensor.is_contiguous(),
                 "sum over processes: the tensor of shape {} and strides {} is not dense",
                 tensor.shape(), tensor.strides());
  if (tensor.device().kind == Device::Kind::cpu) return start_host_sum(tensor);
  return size() == 1 ? finished() : group(tensor.device()).start_sum(tensor);
}

void Communicator::broadcast(const Tensor& tensor, int root) {
  require<Error>(root >= 0 && root < size(), "broadcast: from process {} of {}", root, size());
  require<Error>(tensor.is_contiguous(),
                 "broadcast: the tensor of shape {} and strides {} is not dense", tensor.shape(),
                 tensor.strides());
  if (tensor.device().kind == Device::Kind::cpu)
    broadcast_host(tensor, root);
  else if (size() > 1)
    group(tensor.device()).broadcast(tensor, root);
}

std::unique_ptr<Communicator::Pending> Communicator::finished() {
  struct Finished final : Pending {
    bool test() override { return true; }
    void wait() override {}
  };
  return std::make_unique<Finished>();
}

Communicator::DeviceGroup& Communicator::group(Device device) {
  for (const auto& [of, group] : groups_)
    if (of == device) return *group;
  return *groups_.emplace_back(device, connect(*this, device)).second;
}

Device local_device(const Communicator& processes) {
  const int devices = device_count(Device::Kind::cuda);
  require<DeviceError>(devices > 0, "process {} of {}: no CUDA device", processes.rank(),
                       processes.size());
  return Device::cuda(processes.local_rank() % devices);
}

std::vector<double> gather(Communicator& communicator, double value) {
  std::vector<double> result;
  for (const std::string& bytes :
       communicator.gather({reinterpret_cast<const char*>(&value), sizeof value})) {
    require<Error>(bytes.size() == sizeof value,
                   "gather: process {} gave {} bytes, expected a number of {}", result.size(),
                   bytes.size(), sizeof value);
    std::memcpy(&result.emplace_back(), bytes.data(), sizeof value);
  }
  return result;
}

bool any(Communicator& communicator, bool value) {
  return std::ranges::any_of(gather(communicator, value), [](double other) { return other != 0; });
}

int launched_processes() {
  const auto number = [](const char* name) {
    const char* text = std::getenv(name);
    return text ? std::atoi(text) : 0;
  };
  // Open MPI; MPICH, Intel MPI and Slurm's PMI; MVAPICH2.
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE"})
    if (const int size = number(name); size > 0) return size;
  // Slurm's PMIx says the size to MPI alone; its own variables are there outside of srun as well.
  if (std::getenv("PMIX_RANK")) return std::max(number("SLURM_STEP_NUM_TASKS"), 1);
  return 1;
}

}  // namespace tuco
