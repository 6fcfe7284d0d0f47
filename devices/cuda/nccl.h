// Sums and broadcasts between the GPUs of several processes, by NCCL.
#pragma once
#include <memory>

#include "tuco/core/communicator.h"

namespace tuco::cuda {

/// Connects the GPUs of several processes, of which number `index` is this one's; called by all of
/// them together. NCCL is loaded at the first call, from where TUCO_NCCL says if that is set.
/// Throws DeviceError on all of them if two have the same GPU, NCCL cannot be loaded somewhere or
/// was not there when Tuco was built; CudaError if NCCL fails.
std::unique_ptr<Communicator::DeviceGroup> connect_by_nccl(Communicator& processes, int index);

}  // namespace tuco::cuda
