// Tells cats from dogs: trains a ConvNet on photographs, quantizes it to int8, and exports it as C.
//   cats_vs_dogs [--data DIR_OR_TAR] [--minutes N | --epochs N] [--seed N] [--out DIR]
// DIR_OR_TAR holds train/ and test/ with a folder for each class; without it the program draws its
// own animals. Ctrl-C saves and ends.
#include <tuco/tuco.h>

#include <CLI/CLI.hpp>
#include <filesystem>

using namespace tuco;

Conv2d convolution(int64_t in, int64_t out) {
  return Conv2d{{.in = in, .out = out, .kernel = 3, .padding = 1, .bias = false}};
}
Sequential stage(int64_t in, int64_t out) {
  return {convolution(in, out), BatchNorm{out}, ReLU{}, MaxPool2d{2}};
}
Residual residual_pair(int64_t n) {
  return Residual{
      Sequential{convolution(n, n), BatchNorm{n}, ReLU{}, convolution(n, n), BatchNorm{n}}};
}
Sequential make_network(int64_t classes) {
  return {stage(3, 24),    stage(24, 48),  residual_pair(48),
          stage(48, 96),   stage(96, 128), residual_pair(128),
          GlobalMaxPool{}, Dropout{0.2},   Linear{{.in = 128, .out = classes}}};
}

struct Photos {
  data::Dataset train, test;
};
Photos load_photos(const std::string& where, int size, int64_t drawn) {
  if (where.empty()) {
    fmt::print("No photographs given: learning from drawn cats and dogs.\n");
    return {data::DrawnPets(drawn, {.size = size, .augment = data::standard(), .seed = 1}),
            data::DrawnPets(drawn / 5, {.size = size, .seed = 2})};
  }
  std::filesystem::path root = where;
  // An archive usually holds one folder of its own name.
  if (root.extension() == ".tar") root /= root.stem();
  return {data::ImageFolder(root / "train", {.size = size, .augment = data::standard()}),
          data::ImageFolder(root / "test", {.size = size})};
}

double accuracy(const Module& net, const data::Dataset& photos) {
  const NoGrad quiet;
  net.eval();
  int64_t right = 0;
  for (auto [images, labels] : data::Loader(photos.without_augmentation(), {.batch = 64}))
    right += count_correct(net(images), labels);
  net.train();
  return 100.0 * static_cast<double>(right) / static_cast<double>(photos.size());
}

int main(int argc, char** argv) try {
  std::string where, out = ".";
  double minutes = 0;
  int64_t epochs = 64, drawn = 4000;
  uint64_t seed = 1;
  CLI::App app("Trains a ConvNet to tell cats from dogs and exports it as int8 C.");
  app.add_option("--data", where, "folder or .tar with train/ and test/; drawn animals without");
  app.add_option("--epochs", epochs, "passes over the photographs")->check(CLI::PositiveNumber);
  app.add_option("--minutes", minutes, "fewer epochs if need be")->check(CLI::PositiveNumber);
  app.add_option("--drawn", drawn, "how many animals to draw")->check(CLI::Range(100, 1000000));
  app.add_option("--seed", seed, "decides everything random");
  app.add_option("--out", out, "folder for the results");
  CLI11_PARSE(app, argc, argv);

  manual_seed(seed);
  std::filesystem::create_directories(out);
  const std::string base = std::filesystem::path(out) / "cats_vs_dogs";
  const Photos photos = load_photos(where, 96, drawn);
  const auto [training, validation] = data::split(photos.train, 0.95, seed);
  data::Loader loader(training, {.batch = 48, .shuffle = true, .seed = seed, .drop_last = true});
  const auto classes = static_cast<int64_t>(training.class_names().size());
  const auto net = make_network(classes);
  fmt::print("{}", summary(net, {1, 96, 96, 3}).to_string());

  const Interrupt interrupt;
  Rng rng(seed, 1);
  const auto train_step = [&](const Module& module, const data::Batch& batch, bool mix) {
    const auto [images, targets, share] =
        mix ? mixup(batch.images, batch.labels, classes, 0.4, rng)
            : MixedBatch{batch.images, one_hot(batch.labels, classes)};
    const Tensor loss = cross_entropy(module(images), targets, {.label_smoothing = 0.05});
    loss.backward();
    return loss.item<double>();
  };
  if (minutes > 0) {
    // A copy does a few steps to see how fast this machine is.
    const Module copy = net.clone();
    const auto start = std::chrono::steady_clock::now();
    int64_t steps = 0;
    for (const auto& batch : loader)
      if (train_step(copy, batch, true), ++steps == 12 || interrupt.requested()) break;
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    const double epoch = seconds.count() / static_cast<double>(steps * loader.options().batch) *
                         static_cast<double>(training.size());
    epochs = std::clamp<int64_t>(static_cast<int64_t>(minutes * 60 / epoch), 1, epochs);
    fmt::print("An epoch takes {}: training {} epochs.\n", duration_text(epoch), epochs);
    loader.set_epoch(0);
    rng = Rng(seed, 1);
  }

  SGD sgd(without_decay_of_vectors(net.parameters()),
          {.lr = 0.06, .momentum = 0.9, .nesterov = true, .weight_decay = 5e-4});
  Schedule schedule(sgd, OneCycle{.max_lr = 0.06, .total_steps = epochs * loader.batches()});
  Ema average(net.state(), {.decay = 0.998});
  Progress progress(epochs, loader.batches());
  for (int64_t epoch = 0; epoch < epochs && !interrupt.requested(); ++epoch) {
    const bool last_epochs = epoch >= epochs - std::max<int64_t>(1, epochs / 10);
    for (const auto& batch : loader) {
      sgd.zero_grad();
      const double loss = train_step(net, batch, !last_epochs && rng.chance(0.6f));
      sgd.step();
      schedule.step();
      average.update();
      progress.step(batch.labels.numel(), loss);
      if (interrupt.requested()) break;
    }
    const Ema::Scope averaged(average);
    progress.end_epoch(fmt::format("validation {:.1f} %", accuracy(net, validation)));
  }

  average.swap();
  net.eval();
  Graph graph = deploy::trace(net, training.sample(1));
  graph.preprocessing = training.preprocessing();
  deploy::save_graph(base + ".safetensors", graph);
  fmt::print("Saved {}.safetensors\n", base);
  if (interrupt.requested()) return 130;

  deploy::optimize(graph);
  const Tensor samples = training.sample(std::min<int64_t>(256, training.size()));
  const auto model = deploy::quantize(graph, samples);
  deploy::write_c(model, base);
  auto report = deploy::make_report(graph, model, slice(samples, 0, 0, 64), "cats_vs_dogs");
  report.accuracy.emplace();
  for (auto [images, labels] : data::Loader(photos.test, {.batch = 50}))
    deploy::count_right(graph, model, images, labels, *report.accuracy);
  write_file(out + "/report.txt", report.to_text());
  write_file(out + "/report.json", report.to_json());
  fmt::print("\n{}\nWrote {}.c and {}.h\n", report.to_text(), base, base);
} catch (const std::exception& error) {
  fmt::print(stderr, "cats_vs_dogs: {}\n", error.what());
  return 1;
}
