// Plans in files: a model with its graph (deploy/graph_file.h), which every command reads as such,
// and in its metadata, under "tuco.plan", what compiling it for one processor found out.
#pragma once
#include "tuco/deploy/engine/plan.h"

namespace tuco::deploy {

/// Writes the plan as one file. Throws IoError; Error if two constants share a name.
void save_plan(const std::string& path, const Plan& plan);

/// Reads what save_plan wrote, to run it on `device`, whichever it was saved for. Where it was made
/// for another processor or instruction set, or by another version of Tuco, the model in the file
/// is compiled anew, and Plan::note says so. Throws IoError, or FormatError naming the file and
/// what is wrong, all of which is checked; DeviceError where the device is not there, and
/// std::bad_alloc where its memory does not hold the constants.
Plan load_plan(const std::string& path, Device device = Device::cpu());
Plan load_plan(const File& file, Device device = Device::cpu());

/// The plan in a file, whatever max_batch says, or else the model in it, compiled: what runs any
/// file that holds a network. Throws as load_plan and Plan::compile do.
Plan plan_of_file(const std::string& path, const PlanOptions& options = {});

}  // namespace tuco::deploy
