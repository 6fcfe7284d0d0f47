#include "tuco/layers/flatten.h"

#include "tuco/autograd/functions.h"

namespace tuco {

Tensor FlattenBody::forward(const Tensor& x) { return flatten(x); }

}  // namespace tuco
