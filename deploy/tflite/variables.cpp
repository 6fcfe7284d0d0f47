#include "tuco/deploy/tflite/variables.h"

#include "tuco/autograd/functions.h"
#include "tuco/deploy/tflite/operators.h"

namespace tuco::tflite {
namespace {

using schema::BuiltinOperator;

/// The name under which a VAR_HANDLE knows its variable.
std::string name_of(const OperatorView& handle) {
  const auto* options = handle.table->builtin_options_as<schema::VarHandleOptions>();
  require<FormatError>(options != nullptr, "the options of a VAR_HANDLE are missing");
  const auto text = [](const flatbuffers::String* s) { return s ? s->str() : std::string(); };
  return text(options->container()) + '/' + text(options->shared_name());
}

}  // namespace

void import_call_once(OperatorImport& op) {
  const int index = op.options<schema::CallOnceOptions>().init_subgraph_index();
  const auto& graphs = op.file().graphs();
  require<FormatError>(index > 0 && index < static_cast<int>(graphs.size()),
                       "it names graph {}, there are {}", index, graphs.size());
  op.variables().graphs.insert(index);
  const GraphView& graph = graphs[index];
  std::map<int, std::string> handles;
  for (const OperatorView& inner : graph.operators) {
    if (inner.code == BuiltinOperator::VAR_HANDLE) {
      require<FormatError>(inner.outputs.size() == 1, "its VAR_HANDLE has {} outputs",
                           inner.outputs.size());
      handles[inner.outputs[0]] = name_of(inner);
      continue;
    }
    require<UnsupportedOp>(inner.code == BuiltinOperator::ASSIGN_VARIABLE,
                           "its graph has {}, expected VAR_HANDLE and ASSIGN_VARIABLE alone",
                           inner.name);
    require<FormatError>(
        inner.inputs.size() == 2 && handles.contains(inner.inputs[0]) && inner.inputs[1] >= 0,
        "its ASSIGN_VARIABLE has no variable or no value");
    const TensorView& value = graph.tensors[inner.inputs[1]];
    require<UnsupportedOp>(value.is_constant(), "the first value \"{}\" of a variable is computed",
                           value.name());
    Variable& variable = op.variables().by_name[handles[inner.inputs[0]]];
    require<UnsupportedOp>(variable.before < 0 && variable.current < 0,
                           "it sets a variable that was used before");
    variable.initial = op.elements(value);
  }
}

void import_var_handle(OperatorImport& op) {
  require<FormatError>(op.output().type() == schema::TensorType::RESOURCE,
                       "its result is {}, expected RESOURCE", op.output().type_name());
  op.variables().handles[op.output_index()] = name_of(op.view());
}

void import_read_variable(OperatorImport& op) {
  Variable& variable = op.variable(0);
  if (variable.current < 0) {
    variable.state = op.states();
    variable.before = op.add_state(op.output(), op.output_index(), variable.initial);
    variable.current = variable.before;
  }
  const Graph::Value& value = op.value(variable.current);
  require<FormatError>(value.meta.shape == op.output().shape &&
                           value.quantization == op.quantization_of(op.output()),
                       "the variable is {}, not {}, or of another scale", value.meta.shape,
                       op.output().shape);
  op.pass(variable.current);
}

void import_assign_variable(OperatorImport& op) { op.variable(0).current = op.activation(1); }

}  // namespace tuco::tflite
