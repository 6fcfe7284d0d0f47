#include "tuco/tools/calibration.h"

#include "tuco/autograd/functions.h"
#include "tuco/core/error.h"
#include "tuco/core/npy.h"

namespace tuco::tools {
namespace {

Tensor array_for(const std::string& command, const Graph& graph, const std::string& path) {
  const Tensor array = load_npy(path);
  Shape expected = graph.values[graph.inputs.at(0)].meta.shape;
  if (array.rank() > 0) expected[0] = array.dim(0);
  require<Error>(array.shape() == expected && array.dim(0) > 0 && is_floating(array.dtype()),
                 "{}: {} holds {} {}, expected float32 {} with any first number but 0", command,
                 path, array.dtype(), array.shape(), expected);
  return array.to(DType::float32);
}

}  // namespace

data::ImageFolder photos_for(const std::string& command, const std::string& model,
                             const Graph& graph, const std::string& path) {
  require<Error>(graph.preprocessing.has_value(),
                 "{}: {} does not say how a picture becomes its input", command, model);
  const Preprocessing& preprocessing = *graph.preprocessing;
  require<Error>(preprocessing.height == preprocessing.width,
                 "{}: pictures of {} x {}, expected a square", command, preprocessing.height,
                 preprocessing.width);
  return data::ImageFolder(path, {.size = preprocessing.height,
                                  .channels = preprocessing.channels,
                                  .resize = preprocessing.resize});
}

void Quantizing::add_options(CLI::App& command) {
  command.add_option("--calibrate", calibrate,
                     "folder or place in a .tar with photographs, a folder for each class, or a "
                     ".npy of inputs (n, ...)");
  command.add_option("--samples", samples, "how many of them to calibrate on")
      ->check(CLI::PositiveNumber);
  command.add_option("--method", method, "how ranges are chosen: minmax or mse")
      ->transform(CLI::CheckedTransformer(std::map<std::string, deploy::Calibration>{
          {"minmax", deploy::Calibration::min_max},
          {"mse", deploy::Calibration::mean_square_error}}));
}

Tensor Quantizing::sample(const std::string& command, const std::string& model,
                          const Graph& graph) const {
  require<Error>(!calibrate.empty(),
                 "{}: {} is a float model: --calibrate PATH names photographs of its kind, or a "
                 ".npy of inputs",
                 command, model);
  if (calibrate.ends_with(".npy")) {
    const Tensor array = array_for(command, graph, calibrate);
    return contiguous(slice(array, 0, 0, std::min(samples, array.dim(0))));
  }
  const auto photos = photos_for(command, model, graph, calibrate);
  return photos.sample(std::min(samples, photos.size()));
}

}  // namespace tuco::tools
