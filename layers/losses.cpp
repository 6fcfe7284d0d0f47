#include "tuco/layers/losses.h"

#include "tuco/autograd/functions.h"
#include "tuco/autograd/grad_mode.h"
#include "tuco/core/error.h"

namespace tuco {
namespace {

void check_labels(const char* op, const Tensor& logits, const Tensor& labels) {
  require<ShapeError>(logits.rank() == 2 && logits.dim(1) > 0,
                      "{}: logits {}, expected (n, classes)", op, logits.shape());
  require<DTypeError>(labels.dtype() == DType::int64, "{}: labels are {}, expected int64", op,
                      labels.dtype());
  require<ShapeError>(labels.shape() == Shape({logits.dim(0)}), "{}: labels {} for logits {}", op,
                      labels.shape(), logits.shape());
  // On other devices the look-up of the labels' likelihoods says so, without waiting here.
  if (labels.device() != Device::cpu()) return;
  const auto values = labels.to_vector<int64_t>();
  for (size_t i = 0; i < values.size(); ++i)
    require<ShapeError>(values[i] >= 0 && values[i] < logits.dim(1),
                        "{}: label {} of sample {} is outside [0, {})", op, values[i], i,
                        logits.dim(1));
}

}  // namespace

Tensor cross_entropy(const Tensor& logits, const Tensor& targets,
                     const CrossEntropyOptions& options) {
  const double smoothing = options.label_smoothing;
  require<Error>(smoothing >= 0 && smoothing < 1,
                 "cross_entropy: label smoothing {}, expected [0, 1)", smoothing);
  Tensor loss, likelihoods;
  if (is_floating(targets.dtype())) {
    require<ShapeError>(logits.rank() == 2 && targets.shape() == logits.shape(),
                        "cross_entropy: logits {} and targets {}, expected (n, classes)",
                        logits.shape(), targets.shape());
    likelihoods = log_softmax(logits);
    loss = sum(targets * likelihoods) / static_cast<double>(-logits.dim(0));
  } else {
    check_labels("cross_entropy", logits, targets);
    likelihoods = log_softmax(logits);
    loss = -mean(gather(likelihoods, 1, unsqueeze(targets, 1)));
  }
  return smoothing == 0 ? loss : loss * (1 - smoothing) - mean(likelihoods) * smoothing;
}

Tensor mse_loss(const Tensor& prediction, const Tensor& target) {
  require<ShapeError>(prediction.shape() == target.shape(),
                      "mse_loss: prediction {} and target {} differ", prediction.shape(),
                      target.shape());
  const Tensor difference = prediction - target;
  return mean(difference * difference);
}

int64_t count_correct(const Tensor& logits, const Tensor& labels) {
  const NoGrad quiet;
  check_labels("count_correct", logits, labels);
  const auto guesses = argmax(logits, 1).to_vector<int64_t>();
  const auto truth = labels.to_vector<int64_t>();
  int64_t correct = 0;
  for (size_t i = 0; i < truth.size(); ++i) correct += guesses[i] == truth[i];
  return correct;
}

}  // namespace tuco
