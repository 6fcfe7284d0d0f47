// The commands of `tuco`, each in a file of its own that adds itself to the command line.
#pragma once
#include <CLI/CLI.hpp>

namespace tuco::tools {

/// tuco predict MODEL PHOTO...: the classes of pictures.
void add_predict(CLI::App& app);
/// tuco export MODEL --calibrate DIR -o NAME: int8 C code and a report.
void add_export(CLI::App& app);
/// tuco compile MODEL -o PATH: PATH.c and PATH.h for a microcontroller, or a file for one.
void add_compile(CLI::App& app);
/// tuco runtime [MODEL.tuco...] -o HEADER: the loader for such files.
void add_runtime(CLI::App& app);
/// tuco bench MODEL: latency, throughput, memory and the time of each layer, in float32 and int8;
/// tuco bench --machine: what the machine can do at most.
void add_bench(CLI::App& app);
/// tuco plan MODEL -o FILE: a model compiled for this machine.
void add_plan(CLI::App& app);
/// tuco inspect FILE: what a model or checkpoint holds.
void add_inspect(CLI::App& app);
/// tuco tune -o FILE: measures the table of convolution algorithms.
void add_tune(CLI::App& app);

}  // namespace tuco::tools
