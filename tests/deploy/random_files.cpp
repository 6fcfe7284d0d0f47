#include "tests/deploy/random_files.h"

#include <algorithm>

#include "tests/deploy/random_draws.h"
#include "tests/deploy/random_models.h"
#include "tuco/core/rng.h"
#include "tuco/deploy/tflite/builder.h"

namespace tuco::test {
namespace {

namespace schema = tflite::schema;
using schema::ActivationFunctionType;
using schema::BuiltinOperator;

class RandomFile : Draws {
 public:
  explicit RandomFile(uint64_t seed) : Draws(seed) {}

  Bytes make() {
    const Shape shape = rng_.below(5) ? Shape{1, between(1, 9), between(1, 9), between(1, 9)}
                                      : Shape{1, between(1, 60)};
    const int input = add(shape, any_quantization());
    int operators = 0;
    for (const int64_t wanted = between(1, 6); operators < wanted;) {
      const int from = rng_.below(5) ? static_cast<int>(values_.size()) - 1
                                     : static_cast<int>(below(values_.size()));
      const Rule rule = rules()[below(rules().size())];
      operators += (this->*rule)(from);
    }
    return file_.finish({values_[input].tensor}, {values_.back().tensor});
  }

 private:
  struct Value {
    int tensor;
    Shape shape;
    Quantization quantization;
  };
  /// Adds an operator on a value; false, and nothing, where it does not take such a one.
  using Rule = bool (RandomFile::*)(int from);
  static const std::vector<Rule>& rules() {
    using R = RandomFile;
    static const std::vector<Rule> all = {
        &R::slice,  &R::strided_slice, &R::strided_slice, &R::split,     &R::split_v, &R::pack,
        &R::unpack, &R::squeeze,       &R::expand,        &R::transpose, &R::resize,  &R::relu6,
        &R::leaky,  &R::hard_swish,    &R::combine,       &R::combine,   &R::combine, &R::choose,
        &R::reduce, &R::reduce,        &R::quantize,      &R::prelu,     &R::prelu,   &R::function};
    return all;
  }

  Quantization any_quantization() { return quantization_near(octaves(-14, 4)); }

  /// Adds a tensor that is computed, and returns its number.
  int add(const Shape& shape, const Quantization& quantization) {
    const std::string name = "t" + std::to_string(values_.size());
    values_.push_back({file_.add_tensor(name, schema::TensorType::INT8, shape, quantization), shape,
                       quantization});
    return static_cast<int>(values_.size()) - 1;
  }
  int integers(const std::vector<int32_t>& values) {
    return file_.add_constant("numbers",
                              from_values(values, {static_cast<int64_t>(values.size())}));
  }
  int integer(int32_t value) {
    return file_.add_constant("number", from_values<int32_t>({value}, {}));
  }
  int constant(const Shape& shape, const Quantization& quantization) {
    return file_.add_constant("constant", random_integers(shape, rng_), quantization);
  }
  /// Adds an operator on tensors, and its result.
  bool give(BuiltinOperator code, const std::vector<int>& inputs, const Shape& shape,
            const Quantization& quantization, const tflite::OptionsOffset& options = {}) {
    const int result = add(shape, quantization);
    // Some had int8 from the beginning.
    const bool first = code == BuiltinOperator::HARD_SWISH ||
                       code == BuiltinOperator::EXPAND_DIMS || code == BuiltinOperator::SQUEEZE ||
                       code == BuiltinOperator::ELU || code == BuiltinOperator::PRELU;
    file_.add_operator(code, first ? 1 : 2, inputs, {values_[result].tensor}, options);
    return true;
  }
  /// A dimension other than the batch, as a file may number it.
  int any_dim(const Shape& shape) { return static_cast<int>(between(1, shape.rank() - 1)); }
  int32_t numbered(int dim, int rank) { return rng_.below(2) ? dim : dim - rank; }

  bool slice(int from) {
    const auto [tensor, shape, q] = values_[from];
    std::vector<int32_t> begin = {0}, size = {rng_.below(2) ? 1 : -1};
    Shape left{1};
    for (int i = 1; i < shape.rank(); ++i) {
      const int64_t start = rng_.below(2) ? 0 : between(0, shape[i] - 1);
      const bool rest = rng_.below(2) == 0;
      left.push_back(rest ? shape[i] - start : between(1, shape[i] - start));
      begin.push_back(static_cast<int32_t>(start));
      size.push_back(rest ? -1 : static_cast<int32_t>(left[i]));
    }
    return give(BuiltinOperator::SLICE, {tensor, integers(begin), integers(size)}, left, q,
                file_.add_options(schema::CreateSliceOptions));
  }
  bool strided_slice(int from) {
    const auto [tensor, shape, q] = values_[from];
    std::vector<int32_t> begin = {0}, end = {1}, step = {1};
    int32_t begin_mask = 1, end_mask = 1, shrink_mask = 0;
    Shape left{1};
    for (int i = 1; i < shape.rank(); ++i) {
      const int64_t size = shape[i], start = between(0, size - 1), stop = between(start + 1, size),
                    by = between(1, 3);
      // Places may count from the end, or lie beyond it; masks stand for the ends.
      const auto place = [&](int64_t at) {
        return static_cast<int32_t>(at < size && rng_.below(2) ? at - size : at);
      };
      const bool shrinks = rng_.below(6) == 0 && left.rank() + shape.rank() - i > 2;
      const bool from_first = rng_.below(3) == 0;
      const bool to_last = !shrinks && rng_.below(3) == 0;
      begin.push_back(place(start));
      end.push_back(shrinks ? static_cast<int32_t>(between(-9, 9))
                            : (stop == size && rng_.below(2) ? 99 : place(stop)));
      step.push_back(shrinks ? 1 : static_cast<int32_t>(by));
      begin_mask |= from_first << i;
      end_mask |= to_last << i;
      shrink_mask |= shrinks << i;
      const int64_t first = from_first ? 0 : start, last = to_last ? size : stop;
      if (!shrinks) left.push_back((last - first + by - 1) / by);
    }
    return give(BuiltinOperator::STRIDED_SLICE,
                {tensor, integers(begin), integers(end), integers(step)}, left, q,
                file_.add_options(schema::CreateStridedSliceOptions, begin_mask, end_mask, 0, 0,
                                  shrink_mask, false));
  }
  /// Adds the results of an operator that takes a tensor apart, in any order of numbers.
  std::vector<int> add_parts(int from, int dim, const std::vector<int64_t>& sizes, bool drops) {
    const Shape whole = values_[from].shape;
    const Quantization q = values_[from].quantization;
    std::vector<int> tensors;
    for (const int64_t size : sizes) {
      Shape shape;
      for (int i = 0; i < whole.rank(); ++i)
        if (i != dim || !drops) shape.push_back(i == dim ? size : whole[i]);
      tensors.push_back(values_[add(shape, q)].tensor);
    }
    return tensors;
  }
  bool split(int from) {
    const auto [tensor, shape, q] = values_[from];
    const int dim = any_dim(shape);
    int64_t parts = between(1, std::min<int64_t>(shape[dim], 5));
    while (shape[dim] % parts) --parts;
    const int axis = integer(numbered(dim, shape.rank()));
    const auto results =
        add_parts(from, dim, std::vector<int64_t>(parts, shape[dim] / parts), false);
    file_.add_operator(BuiltinOperator::SPLIT, 2, {axis, tensor}, results,
                       file_.add_options(schema::CreateSplitOptions, static_cast<int32_t>(parts)));
    return true;
  }
  bool split_v(int from) {
    const auto [tensor, shape, q] = values_[from];
    const int dim = any_dim(shape);
    std::vector<int64_t> sizes;
    for (int64_t left = shape[dim]; left > 0; left -= sizes.back())
      sizes.push_back(sizes.size() < 3 ? between(1, left) : left);
    std::vector<int32_t> written(sizes.begin(), sizes.end());
    // TFLite Micro takes no open size.
    const int axis = integer(numbered(dim, shape.rank())), by = integers(written);
    const auto results = add_parts(from, dim, sizes, false);
    file_.add_operator(
        BuiltinOperator::SPLIT_V, 2, {tensor, by, axis}, results,
        file_.add_options(schema::CreateSplitVOptions, static_cast<int32_t>(sizes.size())));
    return true;
  }
  bool pack(int from) {
    const auto [tensor, shape, q] = values_[from];
    if (shape.rank() > 3) return false;
    std::vector<int> parts;
    for (const Value& value : values_)
      if (value.shape == shape && value.quantization == q && parts.size() < 3)
        parts.push_back(value.tensor);
    const int dim = static_cast<int>(between(1, shape.rank()));
    Shape packed;
    for (int i = 0; i <= shape.rank(); ++i)
      packed.push_back(i == dim ? static_cast<int64_t>(parts.size()) : shape[i < dim ? i : i - 1]);
    const auto count = static_cast<int32_t>(parts.size());
    return give(BuiltinOperator::PACK, parts, packed, q,
                file_.add_options(schema::CreatePackOptions, count, numbered(dim, packed.rank())));
  }
  bool unpack(int from) {
    const auto [tensor, shape, q] = values_[from];
    const int dim = any_dim(shape);
    if (shape.rank() < 3 || shape[dim] > 5) return false;
    const auto count = static_cast<int32_t>(shape[dim]);
    const auto results = add_parts(from, dim, std::vector<int64_t>(count, 1), true);
    file_.add_operator(
        BuiltinOperator::UNPACK, 2, {tensor}, results,
        file_.add_options(schema::CreateUnpackOptions, count, numbered(dim, shape.rank())));
    return true;
  }
  bool squeeze(int from) {
    const auto [tensor, shape, q] = values_[from];
    std::vector<int32_t> dims;
    Shape left{1};
    for (int i = 1; i < shape.rank(); ++i) {
      const bool goes = shape[i] == 1 && left.rank() + shape.rank() - i > 2;
      if (goes)
        dims.push_back(i);
      else
        left.push_back(shape[i]);
    }
    if (dims.empty()) return false;
    return give(BuiltinOperator::SQUEEZE, {tensor}, left, q,
                file_.add_options(schema::CreateSqueezeOptions, file_.add_list(dims)));
  }
  bool expand(int from) {
    const auto [tensor, shape, q] = values_[from];
    if (shape.rank() > 3) return false;
    const int dim = static_cast<int>(between(1, shape.rank()));
    Shape larger;
    for (int i = 0; i <= shape.rank(); ++i)
      larger.push_back(i == dim ? 1 : shape[i < dim ? i : i - 1]);
    return give(BuiltinOperator::EXPAND_DIMS, {tensor, integer(numbered(dim, larger.rank()))},
                larger, q, file_.add_options(schema::CreateExpandDimsOptions));
  }
  bool transpose(int from) {
    const auto [tensor, shape, q] = values_[from];
    std::vector<int32_t> order;
    for (int i = 0; i < shape.rank(); ++i) order.push_back(i);
    for (int i = shape.rank() - 1; i > 1; --i)
      std::swap(order[i], order[static_cast<size_t>(between(1, i))]);
    Shape sizes;
    for (const int32_t dim : order) sizes.push_back(shape[dim]);
    return give(BuiltinOperator::TRANSPOSE, {tensor, integers(order)}, sizes, q,
                file_.add_options(schema::CreateTransposeOptions));
  }
  bool resize(int from) {
    const auto [tensor, shape, q] = values_[from];
    if (shape.rank() != 4) return false;
    const int64_t h = between(1, 30), w = between(1, 30);
    if (h * w * shape[3] > 4000) return false;
    const bool corners = rng_.below(2) == 0, centers = rng_.below(2) == 0;
    return give(BuiltinOperator::RESIZE_NEAREST_NEIGHBOR,
                {tensor, integers({static_cast<int32_t>(h), static_cast<int32_t>(w)})},
                {1, h, w, shape[3]}, q,
                file_.add_options(schema::CreateResizeNearestNeighborOptions, corners, centers));
  }
  bool relu6(int from) {
    const auto [tensor, shape, q] = values_[from];
    return give(BuiltinOperator::RELU6, {tensor}, shape, q);
  }
  bool leaky(int from) {
    const auto [tensor, shape, q] = values_[from];
    const auto alpha = static_cast<float>(rng_.below(2) ? rng_.uniform(-1, 1) : octaves(-9, 2));
    return give(BuiltinOperator::LEAKY_RELU, {tensor}, shape,
                quantization_near(q.scale[0] * octaves(-4, 4)),
                file_.add_options(schema::CreateLeakyReluOptions, alpha));
  }
  bool hard_swish(int from) {
    const auto [tensor, shape, q] = values_[from];
    return give(BuiltinOperator::HARD_SWISH, {tensor}, shape,
                quantization_near(q.scale[0] * octaves(-6.9, 3)));
  }
  /// ELU, or an absolute value, or one over a root.
  bool function(int from) {
    const auto [tensor, shape, q] = values_[from];
    const double scale = q.scale[0];
    switch (rng_.below(3)) {
      case 0:
        return give(BuiltinOperator::ELU, {tensor}, shape,
                    quantization_near(scale * octaves(-6, 4)));
      case 1:
        return give(BuiltinOperator::ABS, {tensor}, shape,
                    quantization_near(rng_.below(3) ? scale * octaves(-6, 6) : scale));
      default: {
        // Of what is not negative.
        const Quantization positive{{q.scale[0]}, {-128}, -1};
        give(BuiltinOperator::QUANTIZE, {tensor}, shape, positive);
        return give(BuiltinOperator::RSQRT, {values_.back().tensor}, shape,
                    quantization_near(1 / std::sqrt(scale) / octaves(2, 9)));
      }
    }
  }
  bool quantize(int from) {
    const auto [tensor, shape, q] = values_[from];
    return give(BuiltinOperator::QUANTIZE, {tensor}, shape,
                quantization_near(q.scale[0] * octaves(-6, 6)));
  }

  struct Operands {
    std::vector<int> tensors;
    float scales[2];
    Shape result;
  };
  /// A value with one that broadcasts to it, computed or constant, and perhaps of lower rank.
  std::optional<Operands> operands(int from, bool one_scale) {
    const Value first = values_[from];
    const auto fits = [&](const Value& value) {
      if (one_scale && !(value.quantization == first.quantization)) return false;
      const int lacks = first.shape.rank() - value.shape.rank();
      for (int i = 0; lacks >= 0 && i < value.shape.rank(); ++i)
        if (value.shape[i] != 1 && value.shape[i] != first.shape[i + lacks]) return false;
      return lacks >= 0;
    };
    Value second = first;
    if (rng_.below(2)) {
      std::vector<Value> fitting;
      for (const Value& value : values_)
        if (fits(value)) fitting.push_back(value);
      second = fitting[below(fitting.size())];
    } else {
      Shape sizes;
      for (int i = static_cast<int>(between(0, first.shape.rank())); i < first.shape.rank(); ++i)
        sizes.push_back(i && rng_.below(2) ? first.shape[i] : 1);
      second.shape = sizes;
      if (!one_scale)
        second.quantization = quantization_near(first.quantization.scale[0] * octaves(-4, 4));
      second.tensor = constant(sizes, second.quantization);
    }
    Operands result{{first.tensor, second.tensor},
                    {first.quantization.scale[0], second.quantization.scale[0]},
                    first.shape};
    if (rng_.below(2)) std::swap(result.tensors[0], result.tensors[1]);
    return result;
  }
  bool combine(int from) {
    const auto both = operands(from, false);
    const double product = double{both->scales[0]} * double{both->scales[1]};
    // A chain of products and roots would leave the numbers that float32 has.
    if (product < 0x1p-60 || product > 0x1p60) return false;
    // At smaller scales the bounds would overflow.
    const auto activation =
        static_cast<ActivationFunctionType>(rng_.below(product > 0x1p-20 ? 4 : 2));
    switch (rng_.below(3)) {
      case 0:
        return give(BuiltinOperator::MUL, both->tensors, both->result,
                    quantization_near(product * octaves(2, 10)),
                    file_.add_options(schema::CreateMulOptions, activation));
      case 1:
        return give(BuiltinOperator::SUB, both->tensors, both->result,
                    quantization_near((both->scales[0] + both->scales[1]) * octaves(-3, 3)),
                    file_.add_options(schema::CreateSubOptions, activation, true));
      default:
        return give(BuiltinOperator::ADD, both->tensors, both->result,
                    quantization_near((both->scales[0] + both->scales[1]) * octaves(-3, 3)),
                    file_.add_options(schema::CreateAddOptions, activation, true));
    }
  }
  bool prelu(int from) {
    auto both = operands(from, false);
    // LiteRT takes no more slopes than numbers.
    if (both->tensors[0] != values_[from].tensor) std::swap(both->tensors[0], both->tensors[1]);
    const double product = double{both->scales[0]} * double{both->scales[1]};
    return give(
        BuiltinOperator::PRELU, both->tensors, both->result,
        quantization_near(std::max<double>(both->scales[0], product * 60) * octaves(-4, 4)));
  }
  bool choose(int from) {
    const auto both = operands(from, true);
    return give(rng_.below(2) ? BuiltinOperator::MAXIMUM : BuiltinOperator::MINIMUM, both->tensors,
                both->result, values_[from].quantization,
                file_.add_options(schema::CreateMaximumMinimumOptions));
  }
  /// A maximum, a mean or a sum over some dimensions, neighbours or not.
  bool reduce(int from) {
    const auto [tensor, shape, q] = values_[from];
    const auto goes = static_cast<uint32_t>(between(1, (1 << (shape.rank() - 1)) - 1)) << 1;
    const bool keeps = rng_.below(2) == 0 || goes == (2u << (shape.rank() - 1)) - 2;
    std::vector<int32_t> dims;
    Shape left;
    for (int i = 0; i < shape.rank(); ++i) {
      if (goes >> i & 1) dims.push_back(numbered(i, shape.rank()));
      if (!(goes >> i & 1) || keeps) left.push_back(goes >> i & 1 ? 1 : shape[i]);
    }
    const uint32_t kind = rng_.below(3);
    const bool rescales = kind != 0 && rng_.below(2) == 0;
    return give(kind == 0   ? BuiltinOperator::REDUCE_MAX
                : kind == 1 ? BuiltinOperator::MEAN
                            : BuiltinOperator::SUM,
                {tensor, integers(dims)}, left,
                rescales ? quantization_near(q.scale[0] * octaves(-3, kind == 1 ? 1 : 7)) : q,
                file_.add_options(schema::CreateReducerOptions, keeps));
  }

  tflite::Builder file_;
  std::vector<Value> values_;
};

}  // namespace

Bytes random_int8_file(uint64_t seed) { return RandomFile(seed).make(); }

}  // namespace tuco::test
