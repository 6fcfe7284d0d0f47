#include "tuco/layers/activation.h"

#include "tuco/autograd/functions.h"
#include "tuco/core/error.h"

namespace tuco {

Tensor ReLUBody::forward(const Tensor& x) { return relu(x); }
Tensor ReLU6Body::forward(const Tensor& x) { return relu6(x); }
Tensor LeakyReLUBody::forward(const Tensor& x) { return leaky_relu(x, slope); }
std::string LeakyReLUBody::describe() const { return fmt::format("{}", slope); }
Tensor ELUBody::forward(const Tensor& x) { return elu(x); }

PReLUBody::PReLUBody(const PReLUOptions& o) : options(o) {
  require<ShapeError>(o.channels > 0, "PReLU: .channels = {}, expected a positive number",
                      o.channels);
  weight = add_parameter("weight", full({o.channels}, o.slope));
}
Tensor PReLUBody::forward(const Tensor& x) { return prelu(x, weight); }
std::string PReLUBody::describe() const { return fmt::format("{}", options.channels); }

Tensor HardSwishBody::forward(const Tensor& x) { return hard_swish(x); }
Tensor TanhBody::forward(const Tensor& x) { return tanh(x); }
Tensor SigmoidBody::forward(const Tensor& x) { return sigmoid(x); }
Tensor SoftmaxBody::forward(const Tensor& x) { return softmax(x); }

}  // namespace tuco
