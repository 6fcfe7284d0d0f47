#include "tuco/layers/dropout.h"

#include "tuco/autograd/functions.h"
#include "tuco/core/error.h"

namespace tuco {

DropoutBody::DropoutBody(double probability) : p(probability) {
  require<Error>(p >= 0 && p < 1, "Dropout: probability {}, expected [0, 1)", p);
}

Tensor DropoutBody::forward(const Tensor& x) { return training() && p > 0 ? dropout(x, p) : x; }

std::string DropoutBody::describe() const { return fmt::format("{}", p); }

}  // namespace tuco
