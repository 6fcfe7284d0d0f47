#include "tuco/deploy/device_model.h"

#include "tuco/core/error.h"
#include "tuco/core/text.h"
#include "tuco/deploy/constant_channels.h"
#include "tuco/deploy/fold_padding.h"
#include "tuco/deploy/memory_plan.h"
#include "tuco/deploy/states.h"
#include "tuco/deploy/strips.h"

namespace tuco::deploy {

QuantizedModel device_model(const QuantizedModel& model, const DeviceOptions& options) {
  QuantizedModel whole = without_constant_channels(fold_padding(model));
  whole.graph = with_states_in_place(whole.graph);
  const QuantizedModel result = options.strips ? with_free_strips(whole) : whole;
  if (!options.arena_bytes) return result;
  const int64_t bytes = plan_memory(result).arena_bytes;
  if (bytes <= *options.arena_bytes) return result;
  require<Error>(options.strips, "the arena has {} bytes without strips, and {} are allowed",
                 grouped(bytes), grouped(*options.arena_bytes));
  return fit_arena(whole, *options.arena_bytes);
}

}  // namespace tuco::deploy
