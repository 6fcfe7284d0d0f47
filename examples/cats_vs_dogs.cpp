// Tells cats from dogs: trains a ConvNet on photographs, quantizes it to int8, and exports it as C.
//   cats_vs_dogs [--data DIR_OR_TAR] [--minutes N | --epochs N] [--small] [--seed N] [--out DIR]
//                [--device cuda]
// --small takes a network for microcontrollers with 256 KB of RAM and 1 MB of flash, such as the
// Arduino Nano 33 BLE. DIR_OR_TAR holds train/ and test/ with a folder for each class; without it the program draws its
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
// The first stage's convolution gives the largest image: its channels decide the RAM.
Sequential make_network(int64_t classes, bool small) {
  const int64_t a = small ? 16 : 24, b = 2 * a, c = 4 * a;
  return {stage(3, a),     stage(a, b),   residual_pair(b),
          stage(b, c),     stage(c, 128), residual_pair(128),
          GlobalMaxPool{}, Dropout{0.2},  Linear{{.in = 128, .out = classes}}};
}

std::pair<data::Dataset, data::Dataset> load_photos(const std::string& where, int64_t drawn) {
  if (where.empty()) {
    fmt::print("No photographs given: learning from drawn cats and dogs.\n");
    return {data::DrawnPets(drawn, {.augment = data::standard(), .seed = 1}),
            data::DrawnPets(drawn / 5, {.seed = 2})};
  }
  return {data::ImageFolder(where + "/train", {.augment = data::standard()}),
          data::ImageFolder(where + "/test")};
}

int main(int argc, char** argv) try {
  std::string where, out = ".", device_name = "cpu";
  double minutes = 0;
  int64_t epochs = 128, drawn = 4000;
  uint64_t seed = 1;
  bool small = false;
  CLI::App app("Trains a ConvNet to tell cats from dogs and exports it as int8 C.");
  app.add_option("--data", where, "folder or .tar with train/ and test/; drawn animals without");
  app.add_option("--epochs", epochs, "passes over the photographs")->check(CLI::PositiveNumber);
  app.add_option("--minutes", minutes, "fewer epochs if need be")->check(CLI::PositiveNumber);
  app.add_option("--drawn", drawn, "how many animals to draw")->check(CLI::Range(100, 1000000));
  app.add_flag("--small", small, "a network for a microcontroller with 256 KB of RAM");
  app.add_option("--seed", seed, "decides everything random");
  app.add_option("--out", out, "folder for the results");
  app.add_option("--device", device_name, "what trains: cpu or cuda");
  CLI11_PARSE(app, argc, argv);

  const Device device = Device::parse(device_name);
  manual_seed(seed);
  std::filesystem::create_directories(out);
  const std::string base = out + "/cats_vs_dogs";
  const auto [photos, test] = load_photos(where, drawn);
  const auto [training, validation] = data::split(photos, 0.95, seed);
  const int64_t size = std::min<int64_t>(48, training.size());
  data::Loader loader(
      training,
      {.batch = size, .shuffle = true, .seed = seed, .drop_last = true, .device = device});
  const auto classes = static_cast<int64_t>(training.class_names().size());
  const auto net = make_network(classes, small);
  fmt::print("{}", summary(net, {1, 96, 96, 3}).to_string());
  net.to(device);

  const Interrupt interrupt;
  Rng rng(seed, 1);
  const auto train_step = [&](const Module& module, const data::Batch& batch, bool mix) {
    const auto [images, targets, share] =
        mix ? mixup(batch.images, batch.labels, classes, 0.4, rng)
            : MixedBatch{batch.images, one_hot(batch.labels, classes)};
    const Tensor seen = rng.chance(0.5f) ? cutout(images, rng) : images;
    const Tensor loss = cross_entropy(module(seen), targets, {.label_smoothing = 0.05});
    loss.backward();
    return loss.item<double>();
  };
  if (minutes > 0) {
    const auto trial = [&, copy = net.clone()](auto& batch) { train_step(copy, batch, true); };
    epochs = data::epochs_within(minutes * 60, epochs, loader, trial);
    fmt::print("Training {} epochs, which fit into {} minutes.\n", epochs, minutes);
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
    const double right = accuracy(net, data::Loader(validation.without_augmentation()));
    progress.end_epoch(fmt::format("validation {:.1f} %", 100 * right));
  }

  average.swap();
  net.eval().to(Device::cpu());  // where it is traced and quantized
  Graph graph = deploy::trace(net, training.sample(1));
  graph.preprocessing = training.preprocessing();
  deploy::save_graph(base + ".safetensors", graph);
  fmt::print("Saved {}.safetensors\n", base);
  if (interrupt.requested()) return 130;

  deploy::optimize(graph);
  const Tensor samples = training.sample(std::min<int64_t>(256, training.size()));
  const auto model = deploy::quantize(graph, samples);
  deploy::save_model(base + ".int8.safetensors", model);
  deploy::write_c(model, base);
  auto report = deploy::make_report(graph, model, slice(samples, 0, 0, 64), "cats_vs_dogs");
  report.accuracy = deploy::compare(graph, model, data::Loader(test));
  deploy::write_report(report, out + "/report");
  fmt::print("\n{}\nWrote {}.c and {}.h\n", report.to_text(), base, base);
} catch (const std::exception& error) {
  fmt::print(stderr, "cats_vs_dogs: {}\n", error.what());
  return 1;
}
