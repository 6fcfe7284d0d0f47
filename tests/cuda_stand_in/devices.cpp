// What the runtime says about the devices: those of an H100, called "stand-in".
#include <cstdio>
#include <cstring>

#include "state.h"

namespace standin {

namespace {

thread_local int chosen = 0;

constexpr int kProcessors = 132, kL2 = 50 * 1024 * 1024;

bool is_device(int device) { return device >= 0 && device < int(world().devices.size()); }

}  // namespace

int current_device() { return chosen; }

}  // namespace standin

using namespace standin;

extern "C" {

cudaError_t cudaGetDeviceCount(int* count) {
  const Call entry(__func__);
  if (!count) return remember(cudaErrorInvalidValue);
  *count = int(world().devices.size());
  if (entry.planned()) return remember(static_cast<cudaError_t>(entry.planned()));
  return remember(*count ? cudaSuccess : cudaErrorNoDevice);
}
cudaError_t cudaGetDevice(int* device) {
  return call(__func__, [&] {
    if (!device) return cudaErrorInvalidValue;
    *device = chosen;
    return cudaSuccess;
  });
}
cudaError_t cudaSetDevice(int device) {
  return call(__func__, [&] {
    if (!is_device(device)) return cudaErrorInvalidDevice;
    chosen = device;
    return cudaSuccess;
  });
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  const Call entry(__func__);
  if (entry.planned()) return remember(static_cast<cudaError_t>(entry.planned()));
  *version = CUDART_VERSION;
  return cudaSuccess;
}
cudaError_t cudaDriverGetVersion(int* version) {
  const Call entry(__func__);
  if (entry.planned()) return remember(static_cast<cudaError_t>(entry.planned()));
  *version = world().devices.empty() ? 0 : CUDART_VERSION;  // 0: there is no driver
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* p, int device) {
  return call(__func__, [&] {
    if (!p) return cudaErrorInvalidValue;
    if (!is_device(device)) return cudaErrorInvalidDevice;
    std::memset(p, 0, sizeof *p);
    std::strcpy(p->name, "stand-in");
    p->uuid.bytes[0] = char(device + 1);
    p->totalGlobalMem = world().memory;
    p->sharedMemPerBlock = 48 * 1024;
    p->sharedMemPerBlockOptin = 227 * 1024;
    p->sharedMemPerMultiprocessor = 228 * 1024;
    p->reservedSharedMemPerBlock = 1024;
    p->regsPerBlock = p->regsPerMultiprocessor = 65536;
    p->warpSize = 32;
    p->memPitch = 2147483647;
    p->maxThreadsPerBlock = 1024;
    p->maxThreadsDim[0] = p->maxThreadsDim[1] = 1024;
    p->maxThreadsDim[2] = 64;
    p->maxGridSize[0] = 2147483647;
    p->maxGridSize[1] = p->maxGridSize[2] = 65535;
    p->totalConstMem = 65536;
    p->major = 9;
    p->minor = 0;
    p->textureAlignment = 512;
    p->multiProcessorCount = kProcessors;
    p->maxThreadsPerMultiProcessor = 2048;
    p->maxBlocksPerMultiProcessor = 32;
    p->l2CacheSize = kL2;
    p->memoryBusWidth = 5120;
    p->concurrentKernels = 1;
    p->asyncEngineCount = 3;
    p->unifiedAddressing = 1;
    p->canMapHostMemory = 1;
    p->streamPrioritiesSupported = 1;
    p->memoryPoolsSupported = 1;
    p->pciBusID = device + 1;
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  return call(__func__, [&] {
    if (!value) return cudaErrorInvalidValue;
    if (!is_device(device)) return cudaErrorInvalidDevice;
    switch (attribute) {
      case cudaDevAttrComputeCapabilityMajor:
        *value = 9;
        break;
      case cudaDevAttrComputeCapabilityMinor:
        *value = 0;
        break;
      case cudaDevAttrMultiProcessorCount:
        *value = kProcessors;
        break;
      case cudaDevAttrWarpSize:
        *value = 32;
        break;
      case cudaDevAttrMaxThreadsPerBlock:
        *value = 1024;
        break;
      case cudaDevAttrMaxBlockDimX:
        *value = 1024;
        break;
      case cudaDevAttrMaxBlockDimY:
        *value = 1024;
        break;
      case cudaDevAttrMaxBlockDimZ:
        *value = 64;
        break;
      case cudaDevAttrMaxGridDimX:
        *value = 2147483647;
        break;
      case cudaDevAttrMaxGridDimY:
        *value = 65535;
        break;
      case cudaDevAttrMaxGridDimZ:
        *value = 65535;
        break;
      case cudaDevAttrMaxSharedMemoryPerBlock:
        *value = 48 * 1024;
        break;
      case cudaDevAttrMaxSharedMemoryPerBlockOptin:
        *value = 227 * 1024;
        break;
      case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
        *value = 228 * 1024;
        break;
      case cudaDevAttrReservedSharedMemoryPerBlock:
        *value = 1024;
        break;
      case cudaDevAttrMaxThreadsPerMultiProcessor:
        *value = 2048;
        break;
      case cudaDevAttrMaxBlocksPerMultiprocessor:
        *value = 32;
        break;
      case cudaDevAttrMaxRegistersPerBlock:
        *value = 65536;
        break;
      case cudaDevAttrMaxRegistersPerMultiprocessor:
        *value = 65536;
        break;
      case cudaDevAttrTotalConstantMemory:
        *value = 65536;
        break;
      case cudaDevAttrL2CacheSize:
        *value = kL2;
        break;
      case cudaDevAttrGlobalMemoryBusWidth:
        *value = 5120;
        break;
      case cudaDevAttrClockRate:
        *value = 1980000;
        break;
      case cudaDevAttrMemoryClockRate:
        *value = 2619000;
        break;
      case cudaDevAttrAsyncEngineCount:
        *value = 3;
        break;
      case cudaDevAttrConcurrentKernels:
        *value = 1;
        break;
      case cudaDevAttrUnifiedAddressing:
        *value = 1;
        break;
      case cudaDevAttrCanMapHostMemory:
        *value = 1;
        break;
      case cudaDevAttrStreamPrioritiesSupported:
        *value = 1;
        break;
      case cudaDevAttrMemoryPoolsSupported:
        *value = 1;
        break;
      case cudaDevAttrManagedMemory:
        *value = 0;
        break;
      case cudaDevAttrIntegrated:
        *value = 0;
        break;
      case cudaDevAttrCooperativeLaunch:
        *value = 0;
        break;
      default:
        std::fprintf(stderr, "stand-in: cudaDeviceGetAttribute does not know attribute %d\n",
                     int(attribute));
        return cudaErrorInvalidValue;
    }
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceCanAccessPeer(int* can, int device, int peer) {
  return call(__func__, [&] {
    if (!can) return cudaErrorInvalidValue;
    if (!is_device(device) || !is_device(peer)) return cudaErrorInvalidDevice;
    *can = 0;  // so memory of another device in a kernel is a mistake
    return cudaSuccess;
  });
}

}  // extern "C"
