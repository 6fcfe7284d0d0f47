// One op on data in memory: a convolution forward, its gradient of the images or of the weights, or
// a matrix product with the second operand packed before. A contestant of bench/peers
// (contestant.h).
#include <CLI/CLI.hpp>

#include "tuco/autograd/rules.h"
#include "tuco/bench/contestant.h"
#include "tuco/tuco.h"

namespace tuco::bench {
namespace {

/// Runs `op` again and again on the same inputs, into the same outputs.
void serve_op(const op::Any& op, Inputs inputs, const Prepared* prepared = nullptr) {
  Outputs outputs = compute(op, inputs);
  serve([&] {
    Workspace workspace(prepared);
    backend(Device::cpu()).run(op, inputs, outputs, workspace);
  });
}

void serve_product(const std::vector<int64_t>& sizes) {
  const auto [m, n, k] = std::tuple(sizes.at(0), sizes.at(1), sizes.at(2));
  const std::vector<Tensor> inputs = {randn({m, k}), randn({n, k})};
  const auto prepared =
      backend(Device::cpu()).prepare(op::Linear{}, std::array{Tensor(), inputs[1]});
  serve_op(op::Linear{}, inputs, prepared.get());
}

void serve_convolution(const std::string& what, const std::vector<int64_t>& sizes, int64_t batch) {
  const int64_t in = sizes.at(0), out = sizes.at(1), size = sizes.at(2), kernel = sizes.at(3);
  const op::Conv2d conv{.stride = sizes.at(4), .padding = kernel / 2, .groups = sizes.at(5)};
  const Tensor x = randn({batch, size, size, in}),
               w = randn({out, kernel, kernel, in / conv.groups});
  const Tensor dy = compute(conv, std::array{x, w})[0];
  if (what == "conv2d") serve_op(conv, std::array{x, w});
  if (what == "conv2d_grad_input")
    serve_op(op::Conv2dGradInput{conv, x.shape()}, std::array{dy, w});
  if (what == "conv2d_grad_weight")
    serve_op(op::Conv2dGradWeight{conv, w.shape()}, std::array{x, dy});
}

}  // namespace
}  // namespace tuco::bench

int main(int argc, char** argv) try {
  using namespace tuco;
  std::string op;
  std::vector<int64_t> sizes;
  int64_t batch = 32;
  int threads = 1;
  CLI::App app("Runs one op when told to.");
  app.add_option("op", op)->required()->check(
      CLI::IsMember({"conv2d", "conv2d_grad_input", "conv2d_grad_weight", "product"}));
  app.add_option("sizes", sizes, "in,out,size,kernel,stride,groups or m,n,k")
      ->required()
      ->delimiter(',');
  app.add_option("--batch", batch);
  app.add_option("--threads", threads)->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  set_num_threads(threads);
  manual_seed(1);
  const size_t wanted = op == "product" ? 3 : 6;
  require<Error>(sizes.size() == wanted, "{}: {} sizes, expected {}", op, sizes.size(), wanted);
  const NoGrad off;
  if (op == "product")
    bench::serve_product(sizes);
  else
    bench::serve_convolution(op, sizes, batch);
} catch (const std::exception& error) {
  fmt::print(stderr, "op_bench: {}\n", error.what());
  return 1;
}
