#include "tuco/core/backend.h"

#include "tuco/core/communicator.h"
#include "tuco/core/error.h"
#include "tuco/devices/cpu/cpu_backend.h"
#ifdef TUCO_CUDA
#include "tuco/devices/cuda/cuda_backend.h"
#include "tuco/devices/cuda/nccl.h"
#endif

namespace tuco {

int device_count(Device::Kind kind) {
  if (kind == Device::Kind::cpu) return 1;
#ifdef TUCO_CUDA
  return cuda::device_count();
#else
  return 0;
#endif
}

Backend& backend(Device device) {
  if (device.kind == Device::Kind::cpu) {
    require<DeviceError>(device.index == 0, "no device {}: the CPU is one device", device);
    return cpu::cpu_backend();
  }
#ifdef TUCO_CUDA
  return cuda::cuda_backend(device.index);
#else
  fail<DeviceError>("no CUDA device: {} was asked for, and this build of Tuco has the CPU only",
                    device);
#endif
}

std::unique_ptr<Communicator::DeviceGroup> connect(Communicator& processes, Device device) {
  backend(device);  // says what is wrong with it
#ifdef TUCO_CUDA
  return cuda::connect_by_nccl(processes, device.index);
#else
  fail<DeviceError>("process {} of {}: there is no way between devices {}", processes.rank(),
                    processes.size(), device);
#endif
}

}  // namespace tuco
