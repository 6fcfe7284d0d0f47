// mpi_training CASE DATA FOLDER: trainings on MNIST in DATA that mpi_test.bash starts as one
// process and as several, and what may happen to them; they write into FOLDER. mpi_training compare
// FILE FILE TOLERANCE: whether two files hold the same weights.
#include <unistd.h>

#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <thread>

#include "tuco/tuco.h"

namespace tuco {
namespace {

/// The batch of all processes together.
constexpr int64_t kBatch = 60;

struct Settings {
  DType dtype = DType::float32;
  int64_t steps = 0;
  /// backward() calls for each step.
  int64_t pieces = 1;
  bool batch_norm = false;
  std::function<void(int64_t step, const Module& net)> after_step = {};
};

/// Batch norm takes the statistics of each process's share, so that only networks without become
/// what one process makes of them.
Sequential make_network(bool batch_norm, int64_t width = 8) {
  std::vector<Module> layers = {Conv2d{{.in = 1, .out = width, .kernel = 3}}};
  if (batch_norm) layers.push_back(BatchNorm{width});
  for (const Module& layer :
       std::vector<Module>{ReLU{}, MaxPool2d{2}, Conv2d{{.in = width, .out = 12, .kernel = 3}},
                           ReLU{}, MaxPool2d{2}, Flatten{}, Linear{{.in = 300, .out = 10}}})
    layers.push_back(layer);
  return Sequential(layers);
}

void train(const std::string& data, const std::string& folder, const Settings& settings) {
  const int rank = world().rank(), size = world().size();
  manual_seed(static_cast<uint64_t>(1 + rank));  // process 0 begins as one alone does
  const Sequential net = make_network(settings.batch_norm);
  net.to(settings.dtype);
  const data::Mnist digits(data, data::Split::train,
                           {data::RandomRotation{8}, data::RandomResizedCrop{.side = {0.9f, 1}}});
  data::Loader loader(digits, {.batch = kBatch / size / settings.pieces,
                               .shuffle = true,
                               .workers = 1,
                               .seed = 5,
                               .shard = {rank, size}});
  SGD sgd(net.parameters(), {.lr = 0.05, .momentum = 0.9, .weight_decay = 1e-4});
  DataParallel parallel(net.named_parameters(), net.buffers(), {.bucket_bytes = 4096});
  if (rank == 0) save(net, folder + "/before.safetensors");
  int64_t step = 0, piece = 0;
  for (auto [images, labels] : loader) {
    if (piece == 0) sgd.zero_grad();
    std::optional<DataParallel::Accumulating> more_to_come;
    if (piece + 1 < settings.pieces) more_to_come.emplace(parallel);
    const Tensor loss = cross_entropy(net(images.to(settings.dtype)), labels);
    (loss / static_cast<double>(settings.pieces)).backward();
    if (++piece < settings.pieces) continue;
    piece = 0;
    sgd.step();
    ++step;
    if (settings.after_step) settings.after_step(step, net);
    if (step == settings.steps) break;
  }
  parallel.check_equal();
  if (rank == 0) save(net, folder + "/weights.safetensors");
  const auto& sent = parallel.statistics();
  fmt::print("process {} of {} with {} threads: {} buckets, {} overlapped, waited {:.3f} s\n", rank,
             size, num_threads(), sent.buckets, sent.overlapped, sent.waited);
}

/// Saves again and again, until somebody ends it.
void train_for_ever(const std::string& data, const std::string& folder) {
  write_file(fmt::format("{}/pid.{}", folder, world().rank()), fmt::format("{}", ::getpid()));
  const auto after_step = [&](int64_t step, const Module& net) {
    if (world().rank() == 0) save(net, folder + "/checkpoint.safetensors");
    if (step == 10) write_file(fmt::format("{}/ten.{}", folder, world().rank()), "");
  };
  while (true) train(data, folder, {.after_step = after_step});
}

/// In process 1 `fails` is called after three steps.
void train_until(const std::string& data, const std::string& folder,
                 const std::function<void()>& fails) {
  const auto after_step = [&](int64_t step, const Module&) {
    if (step == 3 && world().rank() == 1) fails();
  };
  train(data, folder, {.steps = 1000, .after_step = after_step});
}

void throw_error() { fail<Error>("process 1 has had enough"); }

void train_different_networks() {
  const Sequential net = make_network(false, world().rank() == 0 ? 8 : 9);
  DataParallel parallel(net.named_parameters(), net.buffers());
}

void load_checkpoint(const std::string& path) {
  const Sequential net = make_network(false);
  load(net, path);
  for (const auto& [name, tensor] : net.state())
    for (const float value : tensor.to_vector<float>())
      require<Error>(std::isfinite(value), "{}: {} holds {}", path, name, value);
  fmt::print("whole\n");
}

void compare(const std::string& first, const std::string& second, double tolerance) {
  const auto a = load_safetensors(first).tensors, b = load_safetensors(second).tensors;
  const std::string problems = mismatches(a, b);
  require<Error>(problems.empty(), "{} and {}: {}", first, second, problems);
  double most = 0, largest = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const auto x = a[i].second.to(DType::float64).to_vector<double>();
    const auto y = b[i].second.to(DType::float64).to_vector<double>();
    for (size_t k = 0; k < x.size(); ++k) {
      most = std::max(most, std::abs(x[k] - y[k]));
      largest = std::max(largest, std::abs(x[k]));
    }
  }
  fmt::print("weights up to {:.3g} differ by up to {:.3g}\n", largest, most);
  require<Error>(most <= tolerance, "{} and {} differ by {}, more than {}", first, second, most,
                 tolerance);
}

int run(const std::vector<std::string>& arguments) {
  if (arguments.size() == 4 && arguments[0] == "compare") {
    compare(arguments[1], arguments[2], std::stod(arguments[3]));
    return 0;
  }
  require<Error>(arguments.size() == 3, "{} arguments, expected three", arguments.size());
  const std::string &data = arguments[1], &folder = arguments[2];
  const std::map<std::string, std::function<void()>> cases = {
      {"float64", [&] { train(data, folder, {.dtype = DType::float64, .steps = 25}); }},
      {"float32", [&] { train(data, folder, {.steps = 25}); }},
      {"pieces", [&] { train(data, folder, {.dtype = DType::float64, .steps = 25, .pieces = 2}); }},
      {"batch_norm", [&] { train(data, folder, {.steps = 50, .batch_norm = true}); }},
      {"for_ever", [&] { train_for_ever(data, folder); }},
      {"exception", [&] { train_until(data, folder, throw_error); }},
      {"terminate", [&] { train_until(data, folder, [] { std::thread(throw_error).join(); }); }},
      {"different", [&] { train_different_networks(); }},
      {"load", [&] { load_checkpoint(folder + "/checkpoint.safetensors"); }},
  };
  const auto found = cases.find(arguments[0]);
  require<Error>(found != cases.end(), "no case {}", arguments[0]);
  found->second();
  return 0;
}

}  // namespace
}  // namespace tuco

int main(int count, char** arguments) try {
  return tuco::run({arguments + 1, arguments + count});
} catch (const std::exception& error) {
  fmt::print(stderr, "mpi_training: {}\n", error.what());
  return 1;
}
