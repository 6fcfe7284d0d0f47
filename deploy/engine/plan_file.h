// Plans in files: a model with its graph (deploy/graph_file.h), which every command reads as such,
// and in its metadata, under "tuco.plan", what compiling it for this machine found out.
#pragma once
#include "tuco/deploy/engine/plan.h"

namespace tuco::deploy {

/// Writes the plan as one file. Throws IoError; Error if two constants share a name.
void save_plan(const std::string& path, const Plan& plan);

/// Reads what save_plan wrote. Where the plan was made for another processor or instruction set, or
/// by another version of Tuco, the model in the file is compiled anew, and Plan::note says so.
/// Throws IoError, or FormatError naming the file and what is wrong: all of it is checked.
Plan load_plan(const std::string& path);
Plan load_plan(const File& file);

/// The plan in a file, whatever the options, or else the model in it, compiled: what runs any file
/// that holds a network. Throws as load_plan and Plan::compile do.
Plan plan_of_file(const std::string& path, const PlanOptions& options = {});

}  // namespace tuco::deploy
