// Runs models in files as a device does, in memory of exactly their size, which AddressSanitizer
// watches.
#pragma once
#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "tuco/core/file.h"
#include "tuco/deploy/runtime/model.h"

namespace tuco::test {

/// A file with an arena.
class DeviceRun {
 public:
  /// Opens the file; `arena_bytes` are there for it.
  DeviceRun(const Bytes& file, size_t arena_bytes)
      : file_(new uint8_t[file.size()]), arena_(new int8_t[arena_bytes]) {
    std::copy(file.begin(), file.end(), file_.get());
    std::memset(arena_.get(), 0x5a, arena_bytes);
    status_ = tuco_model_open(&model_, file_.get(), file.size(), arena_.get(), arena_bytes, &call_);
  }

  /// TUCO_OK or what is wrong, and the number of the call that is.
  int32_t status() const { return status_; }
  uint32_t call() const { return call_; }
  const tuco_model& model() const { return model_; }
  const tuco_file_header& header() const { return *tuco_model_header(&model_); }

  /// The output for an input of header().input.bytes.
  std::vector<int8_t> run(const int8_t* input) {
    std::copy_n(input, header().input.bytes, tuco_model_input(&model_));
    const int8_t* output = tuco_model_run(&model_);
    return {output, output + header().output.bytes};
  }

  /// The outputs for several inputs, each for a first run.
  std::vector<int8_t> run_all(const std::vector<int8_t>& inputs) {
    std::vector<int8_t> outputs;
    for (size_t at = 0; at < inputs.size(); at += header().input.bytes) {
      tuco_model_reset(&model_);
      const auto output = run(inputs.data() + at);
      outputs.insert(outputs.end(), output.begin(), output.end());
    }
    return outputs;
  }

 private:
  std::unique_ptr<uint8_t[]> file_;
  std::unique_ptr<int8_t[]> arena_;
  tuco_model model_ = {};
  int32_t status_;
  uint32_t call_ = 0;
};

/// The file with the checksum of what it holds now, if it is long enough for one.
inline Bytes with_checksum(Bytes file) {
  tuco_file_header header;
  if (file.size() < sizeof header) return file;
  std::memcpy(&header, file.data(), sizeof header);
  if (header.file_bytes < TUCO_FILE_CHECKED_FROM || header.file_bytes > file.size()) return file;
  header.checksum =
      tuco_crc32(file.data() + TUCO_FILE_CHECKED_FROM, header.file_bytes - TUCO_FILE_CHECKED_FROM);
  std::memcpy(file.data(), &header, sizeof header);
  return file;
}

}  // namespace tuco::test
