#include "tuco/deploy/device_model.h"

#include "tuco/deploy/constant_channels.h"
#include "tuco/deploy/states.h"
#include "tuco/deploy/strips.h"

namespace tuco::deploy {

QuantizedModel device_model(const QuantizedModel& model, const DeviceOptions& options) {
  QuantizedModel result = without_constant_channels(model);
  result.graph = with_states_in_place(result.graph);
  return options.arena_bytes ? fit_arena(result, *options.arena_bytes) : result;
}

}  // namespace tuco::deploy
