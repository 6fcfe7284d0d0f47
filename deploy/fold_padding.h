// Padding layers that become a part of the convolutions behind them, as exporters of TFLite models
// write them where their padding is not SAME: no padded image has to be made.
#pragma once
#include "tuco/deploy/quantize.h"

namespace tuco::deploy {

/// The model with padding of rows and columns by zeros in the convolutions that read it, where only
/// convolutions do and the padding of each stays smaller than its kernel. Outputs are the same in
/// every byte.
QuantizedModel fold_padding(const QuantizedModel& model);

}  // namespace tuco::deploy
