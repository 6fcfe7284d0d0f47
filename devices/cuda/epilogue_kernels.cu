#include "tuco/devices/cuda/epilogue_kernels.h"

#include "tuco/devices/cuda/formulas.h"
#include "tuco/devices/cuda/launch.h"
#include "tuco/devices/cuda/pack.h"

namespace tuco::cuda {
namespace {

/// What a thread does: `kCount` neighbouring elements of one row.
template <class T, int kCount>
void finish_by(const Epilogue<T>& epilogue, int64_t rows, int64_t columns, T* y,
               cudaStream_t stream) {
  const T *bias = epilogue.bias, *addend = epilogue.addend;
  const auto low = static_cast<T>(epilogue.low), high = static_cast<T>(epilogue.high);
  using Group = Pack<T, kCount>;
  const int64_t groups = columns / kCount;
  parallel_for(rows * groups, stream, [=] __device__(int64_t i) {
    Group value = reinterpret_cast<const Group*>(y)[i];
    if (bias) {
      const Group b = reinterpret_cast<const Group*>(bias)[i % groups];
      for (int k = 0; k < kCount; ++k) value.v[k] += b.v[k];
    }
    if (addend) {
      const Group a = reinterpret_cast<const Group*>(addend)[i];
      for (int k = 0; k < kCount; ++k) value.v[k] += a.v[k];
    }
    for (int k = 0; k < kCount; ++k) value.v[k] = min(max(value.v[k], low), high);
    reinterpret_cast<Group*>(y)[i] = value;
  });
}

}  // namespace

template <class T>
void finish(const Epilogue<T>& epilogue, int64_t rows, int64_t columns, T* y, cudaStream_t stream) {
  if (!epilogue.changes_anything()) return;
  if (fits_packs<T>(columns, 4, {y, epilogue.bias, epilogue.addend}))
    finish_by<T, 4>(epilogue, rows, columns, y, stream);
  else
    finish_by<T, 1>(epilogue, rows, columns, y, stream);
}

template void finish(const Epilogue<float>&, int64_t, int64_t, float*, cudaStream_t);
template void finish(const Epilogue<double>&, int64_t, int64_t, double*, cudaStream_t);

}  // namespace tuco::cuda
