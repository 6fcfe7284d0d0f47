#include "tuco/layers/activation.h"

#include "tuco/autograd/functions.h"

namespace tuco {

Tensor ReLUBody::forward(const Tensor& x) { return relu(x); }
Tensor ReLU6Body::forward(const Tensor& x) { return relu6(x); }
Tensor LeakyReLUBody::forward(const Tensor& x) { return leaky_relu(x, slope); }
std::string LeakyReLUBody::describe() const { return fmt::format("{}", slope); }
Tensor HardSwishBody::forward(const Tensor& x) { return hard_swish(x); }
Tensor TanhBody::forward(const Tensor& x) { return tanh(x); }
Tensor SigmoidBody::forward(const Tensor& x) { return sigmoid(x); }
Tensor SoftmaxBody::forward(const Tensor& x) { return softmax(x); }

}  // namespace tuco
