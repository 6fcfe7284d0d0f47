// Operators that move elements.
#include "tuco/autograd/functions.h"
#include "tuco/deploy/tflite/operators.h"

namespace tuco::tflite {
namespace {

/// `count` numbers of a constant.
std::vector<int64_t> integers(OperatorImport& op, int i, int count) {
  auto values = op.integers(i);
  require<FormatError>(static_cast<int>(values.size()) == count,
                       "input {} has {} numbers, expected {}", i, values.size(), count);
  return values;
}

/// A part of one dimension.
struct Range {
  int64_t start = 0, stop = 0, step = 1;
};

/// Output `index` with the elements of `value` in its own shape.
void give_reshaped(OperatorImport& op, int value, int index = 0) {
  const Shape& to = op.output(index).shape;
  Shape sizes{-1};
  for (int i = 1; i < to.rank(); ++i) sizes.push_back(to[i]);
  op.give(op::Reshape{sizes}, {value}, {}, index);
}

/// Another shape with the batch first: the shape that the file records for the output, since all
/// shapes of the format are known.
void import_as_reshape(OperatorImport& op) {
  const int input = op.activation(0);
  const Shape from = op.shape(input), to = op.output().shape;
  require<UnsupportedOp>(to.rank() > 0 && to[0] == from[0],
                         "from {} to {} does not keep the batch first", from, to);
  require<FormatError>(to.numel() > 0 && to.numel() == from.numel(),
                       "from {} to {} changes the number of elements", from, to);
  give_reshaped(op, input);
}

/// The part of `input` that `ranges` leave, with one op for each dimension that gets shorter. The
/// result takes the shape of the output, from which dimensions may have gone.
void give_part(OperatorImport& op, int input, const std::vector<Range>& ranges, int output = 0) {
  std::vector<op::Slice> slices;
  Shape left = op.shape(input);
  for (size_t i = 0; i < ranges.size(); ++i) {
    const auto [start, stop, step] = ranges[i];
    const int dim = static_cast<int>(i);
    require<FormatError>(start >= 0 && start < stop && stop <= left[dim] && step > 0,
                         "from {} to {} by {} along dimension {} of {}", start, stop, step, i,
                         left);
    if (stop - start == left[dim] && step == 1) continue;
    slices.push_back({dim, start, stop, step});
    left[dim] = (stop - start + step - 1) / step;
  }
  // The last op gives the file's tensor.
  const bool reshapes = slices.empty() || left != op.output(output).shape;
  int part = input;
  for (size_t i = 0; i + (reshapes ? 0 : 1) < slices.size(); ++i)
    part = op.between(slices[i], {part});
  if (reshapes)
    give_reshaped(op, part, output);
  else
    op.give(slices.back(), {part}, {}, output);
}

/// The dimension that number `axis` of a file means, of `rank`.
int dim_of(const char* what, int64_t axis, int rank) {
  return normalize_dim(what, static_cast<int>(std::clamp<int64_t>(axis, -99, 99)), rank);
}

/// One part of `input` after the other along `dim`, of the given sizes, for each output.
void give_parts(OperatorImport& op, int input, int dim, const std::vector<int64_t>& sizes) {
  const Shape shape = op.shape(input);
  int64_t start = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    std::vector<Range> ranges;
    for (const int64_t size : shape) ranges.push_back({0, size});
    ranges[dim] = {start, start + sizes[i]};
    give_part(op, input, ranges, static_cast<int>(i));
    start += sizes[i];
  }
}

}  // namespace

void import_reshape(OperatorImport& op) {
  std::vector<int64_t> wanted;
  const auto* options = op.options_if_any<schema::ReshapeOptions>();
  if (op.has(1))
    wanted = op.integers(1);
  else if (options && options->new_shape())
    for (const int32_t size : *options->new_shape()) {
      require<FormatError>(wanted.size() < kMaxRank, "to more than {} dimensions", kMaxRank);
      wanted.push_back(size);
    }
  const Shape& to = op.output().shape;
  bool fits = static_cast<int>(wanted.size()) == to.rank();
  for (int i = 0; fits && i < to.rank(); ++i) fits = wanted[i] == -1 || wanted[i] == to[i];
  require<FormatError>(fits, "to ({}), the file says {}",
                       fmt::format("{}", fmt::join(wanted, ", ")), to);
  import_as_reshape(op);
}

void import_squeeze(OperatorImport& op) { import_as_reshape(op); }
void import_expand_dims(OperatorImport& op) { import_as_reshape(op); }

void import_concatenation(OperatorImport& op) {
  const auto& options = op.options<schema::ConcatenationOptions>();
  std::vector<int> inputs;
  // A constant would have to be there once for each image.
  for (int i = 0; i < op.inputs(); ++i) inputs.push_back(op.activation(i));
  require<FormatError>(!inputs.empty(), "of nothing");
  op.give(op::Concat{normalize_dim("concatenation", options.axis(), op.shape(inputs[0]).rank())},
          inputs, clamp_of(options.fused_activation_function()));
}

void import_pad(OperatorImport& op) {
  const int input = op.activation(0);
  const int rank = op.shape(input).rank();
  const auto sizes = integers(op, 1, 2 * rank);
  op::Pad pad;
  for (int i = 0; i < rank; ++i) {
    const int64_t before = sizes[2 * i], after = sizes[2 * i + 1];
    require<FormatError>(before >= 0 && after >= 0 && before <= INT32_MAX && after <= INT32_MAX,
                         "by {} and {} along dimension {}", before, after, i);
    pad.before.push_back(before);
    pad.after.push_back(after);
  }
  if (op.has(2)) {
    const Tensor value = op.constant(2);
    require<FormatError>(value.numel() == 1, "with {} values", value.numel());
    const auto quantization = op.quantization_of(op.input(2));
    pad.value = quantization ? (value.item<double>() - quantization->zero_point[0]) *
                                   double{quantization->scale[0]}
                             : value.item<double>();
    // What is stored is the integer, which the output's scale must be able to give back.
    require<UnsupportedOp>(!quantization || quantization == op.quantization_of(op.output()),
                           "with a value of another scale than the output's");
  }
  op.give(pad, {input});
}

void import_transpose(OperatorImport& op) {
  const int input = op.activation(0);
  const auto order = integers(op, 1, op.shape(input).rank());
  op::Permute permute;
  for (const int64_t dim : order) permute.order.push_back(dim);
  op.give(permute, {input});
}

void import_slice(OperatorImport& op) {
  const int input = op.activation(0);
  const Shape shape = op.shape(input);
  const auto begin = integers(op, 1, shape.rank()), size = integers(op, 2, shape.rank());
  std::vector<Range> ranges;
  for (int i = 0; i < shape.rank(); ++i) {
    require<FormatError>(
        begin[i] >= 0 && begin[i] <= shape[i] && size[i] >= -1 && size[i] <= shape[i],
        "{} from {} along dimension {} of {}", size[i], begin[i], i, shape);
    ranges.push_back({begin[i], size[i] < 0 ? shape[i] : begin[i] + size[i]});
  }
  give_part(op, input, ranges);
}

void import_strided_slice(OperatorImport& op) {
  const auto& options = op.options<schema::StridedSliceOptions>();
  const int input = op.activation(0);
  const Shape shape = op.shape(input);
  const auto begin = integers(op, 1, shape.rank()), end = integers(op, 2, shape.rank()),
             step = integers(op, 3, shape.rank());
  require<UnsupportedOp>(
      options.ellipsis_mask() == 0 && options.new_axis_mask() == 0 && !options.offset(),
      "with an ellipsis, a new axis, or an end that counts from the beginning");
  std::vector<Range> ranges;
  for (int i = 0; i < shape.rank(); ++i) {
    const int64_t size = shape[i];
    // As in Python: negative places count from the end, and what lies beyond is cut off.
    const auto place = [&](int64_t at) {
      return std::clamp<int64_t>(at < 0 ? at + size : at, 0, size);
    };
    const bool single = options.shrink_axis_mask() >> i & 1;
    require<UnsupportedOp>(step[i] > 0, "by {} along dimension {}", step[i], i);
    // TFLite takes the mask also where the dimension goes.
    const int64_t start = options.begin_mask() >> i & 1 ? 0 : place(begin[i]);
    ranges.push_back({start,
                      single                        ? start + 1
                      : options.end_mask() >> i & 1 ? size
                                                    : place(end[i]),
                      single ? 1 : step[i]});
  }
  give_part(op, input, ranges);
}

void import_split(OperatorImport& op) {
  const int64_t parts = op.options<schema::SplitOptions>().num_splits();
  // The axis comes first.
  const int input = op.activation(1);
  const Shape shape = op.shape(input);
  const int dim = dim_of("split", integers(op, 0, 1)[0], shape.rank());
  require<FormatError>(parts > 0 && parts == op.outputs() && shape[dim] % parts == 0,
                       "{} along dimension {} into {} parts, with {} outputs", shape, dim, parts,
                       op.outputs());
  give_parts(op, input, dim, std::vector<int64_t>(op.outputs(), shape[dim] / parts));
}

void import_split_v(OperatorImport& op) {
  const int input = op.activation(0);
  const Shape shape = op.shape(input);
  const int dim = dim_of("split", integers(op, 2, 1)[0], shape.rank());
  auto sizes = integers(op, 1, op.outputs());
  // One size may be left open.
  int64_t rest = shape[dim];
  for (const int64_t size : sizes) {
    require<FormatError>(size >= -1 && size <= shape[dim], "a part of {} along dimension {} of {}",
                         size, dim, shape);
    rest -= std::max<int64_t>(size, 0);
  }
  const auto open = std::ranges::count(sizes, -1);
  require<FormatError>(open <= 1 && (open == 1 ? rest > 0 : rest == 0),
                       "{} along dimension {} into parts of {}", shape, dim,
                       fmt::format("({})", fmt::join(sizes, ", ")));
  std::ranges::replace(sizes, int64_t{-1}, rest);
  give_parts(op, input, dim, sizes);
}

void import_pack(OperatorImport& op) {
  const auto& options = op.options<schema::PackOptions>();
  require<FormatError>(op.inputs() > 0 && options.values_count() == op.inputs(),
                       "of {} values, with {} inputs", options.values_count(), op.inputs());
  const int dim = dim_of("pack", options.axis(), op.output().shape.rank());
  std::vector<int> parts;
  for (int i = 0; i < op.inputs(); ++i) {
    const int value = op.activation(i);
    const Shape shape = op.shape(value);
    require<UnsupportedOp>(dim > 0 && dim <= shape.rank(), "{} along dimension {}", shape, dim);
    Shape sizes{-1};
    for (int k = 1; k <= shape.rank(); ++k)
      sizes.push_back(k == dim ? 1 : shape[k < dim ? k : k - 1]);
    parts.push_back(op.between(op::Reshape{sizes}, {value}));
  }
  op.give(op::Concat{dim}, parts);
}

void import_unpack(OperatorImport& op) {
  const auto& options = op.options<schema::UnpackOptions>();
  const int input = op.activation(0);
  const Shape shape = op.shape(input);
  const int dim = dim_of("unpack", options.axis(), shape.rank());
  require<FormatError>(options.num() == op.outputs() && shape[dim] == op.outputs(),
                       "{} along dimension {} into {} parts, with {} outputs", shape, dim,
                       options.num(), op.outputs());
  give_parts(op, input, dim, std::vector<int64_t>(op.outputs(), 1));
}

void import_resize_nearest_neighbor(OperatorImport& op) {
  const auto& options = op.options<schema::ResizeNearestNeighborOptions>();
  const int input = op.activation(0);
  const auto size = integers(op, 1, 2);
  op.give(op::ResizeNearest{.size = {size[0], size[1]},
                            .align_corners = options.align_corners(),
                            .half_pixel_centers = options.half_pixel_centers()},
          {input});
}

}  // namespace tuco::tflite
