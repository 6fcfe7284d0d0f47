#include "tuco/deploy/import_tflite.h"

#include <cstring>

#include "tuco/core/error.h"
#include "tuco/core/file.h"
#include "tuco/deploy/check_model.h"
#include "tuco/deploy/tflite/importer.h"

namespace tuco::deploy {

bool is_tflite(const File& file) {
  // After the offset of the root comes the identifier.
  if (file.size() < 8) return false;
  return flatbuffers::BufferHasIdentifier(file.read(0, 8).data(),
                                          tflite::schema::ModelIdentifier());
}

StoredNetwork import_tflite(const File& file) {
  try {
    require<FormatError>(is_tflite(file), "it does not begin as a .tflite does");
    const tflite::FileModel model(file);
    tflite::Importer importer(model);
    StoredNetwork network;
    const bool int8 = importer.is_int8();
    network.graph = importer.take_graph();
    network.metadata = model.metadata();
    if (has_preprocessing(network.metadata))
      network.graph.preprocessing = preprocessing_from(network.metadata);
    if (int8) {
      network.rounding = Rounding::kDouble;
      check_model({network.graph, Rounding::kDouble});
    }
    return network;
  } catch (const UnsupportedOp& error) {
    fail<UnsupportedOp>("{}: tflite: {}", file.name(), error.what());
  } catch (const IoError&) {
    throw;
  } catch (const Error& error) {
    fail<FormatError>("{}: tflite: {}", file.name(), error.what());
  }
}

}  // namespace tuco::deploy
