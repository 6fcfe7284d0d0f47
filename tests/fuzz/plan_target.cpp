#include <algorithm>

#include "tests/deploy/networks.h"
#include "tests/fuzz/target.h"
#include "tests/support/temporary_folder.h"
#include "tuco/core/error.h"
#include "tuco/deploy/engine/context.h"
#include "tuco/deploy/engine/plan_file.h"
#include "tuco/deploy/passes.h"
#include "tuco/deploy/trace.h"

namespace tuco::fuzz {
namespace {

/// Values that share memory, work in place and are padded to the batch; of few bytes.
test::Network tiny_network() {
  test::Builder b(1);
  const auto conv = b.conv("c", 2, 2, 2, {.stride = 2, .padding = {0, 1, 0, 1}});
  const auto side = b.conv("s", 2, 2, 1, {.stride = 2});
  const auto head = b.dense("h", 2, 2);
  return b.finish(
      [=](const Tensor& x) {
        const Tensor y = relu(conv(x) + side(x));
        return softmax(head(flatten(global_avg_pool2d(tanh(y)))));
      },
      {4, 4, 2});
}

}  // namespace

std::vector<Bytes> samples() {
  const test::TemporaryFolder folder;
  const std::string path = folder.path() / "plan";
  std::vector<Bytes> files;
  const auto keep = [&](const deploy::Plan& plan) {
    deploy::save_plan(path, plan);
    files.push_back(File::open(path).read_all());
  };
  const auto network = tiny_network();
  Graph graph =
      deploy::trace(network.forward, test::random_images(network, 1, 1), network.constants);
  keep(deploy::Plan::compile(graph, {.max_batch = 2}));
  deploy::optimize(graph);
  keep(deploy::Plan::compile(deploy::quantize(graph, test::random_images(network, 4, 2))));
  return files;
}

void parse(const Bytes& bytes) {
  const deploy::Plan plan = deploy::load_plan(File::memory(bytes, "fuzz"));
  (void)plan.to_string();
  // What was accepted can be run, if it is small: anything but an Error is a bug.
  constexpr int64_t kMost = 1 << 20;
  if (plan.arena_bytes() > kMost || plan.constant_bytes() > kMost) return;
  deploy::Context context(plan);
  for (const int64_t batch : {plan.max_batch(), int64_t{1}}) {
    for (size_t i = 0; i < plan.inputs().size(); ++i)
      context.input(batch, static_cast<int>(i)).fill_(0);
    context.run(batch);
  }
}

}  // namespace tuco::fuzz
