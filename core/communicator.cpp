#include "tuco/core/communicator.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "tuco/core/error.h"

namespace tuco {

void Communicator::require_summable(const Tensor& tensor) {
  const DType dtype = tensor.dtype();
  require<DTypeError>(dtype == DType::float32 || dtype == DType::float64 || dtype == DType::int32 ||
                          dtype == DType::int64,
                      "sum over processes: the tensor is {}, expected float32, float64, int32 or "
                      "int64",
                      dtype);
  require<Error>(tensor.is_contiguous(),
                 "sum over processes: the tensor of shape {} and strides {} is not dense",
                 tensor.shape(), tensor.strides());
}

void Communicator::require_broadcast(const Tensor& tensor, int root) const {
  require<Error>(root >= 0 && root < size(), "broadcast: from process {} of {}", root, size());
  require<Error>(tensor.is_contiguous(),
                 "broadcast: the tensor of shape {} and strides {} is not dense", tensor.shape(),
                 tensor.strides());
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
