// Exported C against the interpreter: compiles what write_c writes, runs it and compares every
// byte.
#pragma once
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "tests/support/temporary_folder.h"
#include "tuco/core/file.h"
#include "tuco/deploy/export_c.h"
#include "tuco/deploy/interpreter.h"

namespace tuco::test {

/// Runs the model on the bytes of a file and writes the outputs to another. The arena lies between
/// guards, whose pattern must survive. Each run is a first one, or, with SEQUENCE, only the first.
inline constexpr const char* kExportedMain = R"(
#include <stdio.h>
#include <string.h>
#include "model.h"
static int32_t memory[(MODEL_ARENA_BYTES + 64 + 3) / 4];
int main(int argc, char** argv) {
  int8_t* arena = (int8_t*)memory + 32;
  FILE *in = fopen(argv[1], "rb"), *out = fopen(argv[2], "wb");
  int i;
  if (argc != 3 || !in || !out) return 1;
  memset(memory, 0x5a, sizeof memory);
  for (i = 0; fread(model_input(arena), 1, MODEL_INPUT_BYTES, in) == MODEL_INPUT_BYTES; i++) {
#ifdef MODEL_STATE_BYTES
#ifdef SEQUENCE
    if (i == 0)
#endif
      model_reset(arena);
#endif
    fwrite(model_run(arena), 1, MODEL_OUTPUT_BYTES, out);
  }
  fclose(out);
  for (i = 0; i < 32; i++)
    if (((int8_t*)memory)[i] != 0x5a || arena[MODEL_ARENA_BYTES + i] != 0x5a) return 2;
  return 0;
}
)";

/// Compiles the model's C with the command `compile`, runs it on int8 inputs, one after another,
/// and compares every byte with those expected.
inline void expect_exported_bytes(const deploy::QuantizedModel& model,
                                  const std::vector<int8_t>& bytes,
                                  const std::vector<int8_t>& expected, const std::string& compile) {
  const TemporaryFolder folder;
  const std::string base = folder.path() / "model";
  deploy::write_c(model, base);
  write_file(folder.path() / "main.c", kExportedMain);
  write_file(folder.path() / "in",
             std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  const std::string where = "cd " + folder.path().string() + " && ";
  ASSERT_EQ(std::system((where + compile + " main.c model.c -o run").c_str()), 0) << compile;
  ASSERT_EQ(std::system((where + "./run in out").c_str()), 0) << "the arena's guards";
  const Bytes got = File::open(folder.path() / "out").read_all();
  ASSERT_EQ(got.size(), expected.size());
  EXPECT_EQ(std::memcmp(got.data(), expected.data(), got.size()), 0);
}

/// As above, each run going on from the last one.
inline void expect_exported_sequence(const deploy::QuantizedModel& model,
                                     const std::vector<int8_t>& inputs,
                                     const std::vector<int8_t>& expected,
                                     const std::string& compile) {
  expect_exported_bytes(model, inputs, expected, compile + " -DSEQUENCE");
}

/// As expect_exported_bytes on images of real numbers, compared with the interpreter.
inline void expect_same_bytes(const deploy::QuantizedModel& model, const Tensor& images,
                              const std::string& compile) {
  const Tensor input =
      deploy::quantize_values(images, *model.graph.values[model.graph.inputs[0]].quantization);
  expect_exported_bytes(model, input.to_vector<int8_t>(),
                        deploy::interpret(model, input).to_vector<int8_t>(), compile);
}

}  // namespace tuco::test
