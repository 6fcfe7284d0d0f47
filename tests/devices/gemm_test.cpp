#include "tuco/devices/cpu/gemm.h"

#include "tuco/tests/devices/kernel_test.h"

namespace tuco::cpu {
namespace {

struct Case {
  int64_t m, n, k;
  bool trans_a, trans_b, accumulate, bias;
};

// Rows are farther apart than they need be, to catch mixed-up strides.
struct Operands {
  explicit Operands(const Case& s)
      : lda((s.trans_a ? s.m : s.k) + 3),
        ldb((s.trans_b ? s.k : s.n) + 5),
        ldc(s.n + 2),
        a(normal_values(lda * (s.trans_a ? s.k : s.m), 1)),
        b(normal_values(ldb * (s.trans_b ? s.n : s.k), 2)),
        c(normal_values(ldc * s.m, 3)),
        bias(normal_values(s.n, 4)) {
    if (s.accumulate) return;
    for (int64_t i = 0; i < s.m; ++i)
      for (int64_t j = 0; j < s.n; ++j) c[i * ldc + j] = std::numeric_limits<float>::quiet_NaN();
  }
  int64_t lda, ldb, ldc;
  std::vector<float> a, b, c, bias;
};

// Plain loops; the numbers between the rows of c stay.
std::vector<double> naive(const Case& s, const Operands& o, double alpha) {
  std::vector<double> c = as_double(o.c);
  for (int64_t i = 0; i < s.m; ++i)
    for (int64_t j = 0; j < s.n; ++j) {
      double sum = 0;
      for (int64_t q = 0; q < s.k; ++q)
        sum += double(o.a[s.trans_a ? q * o.lda + i : i * o.lda + q]) *
               o.b[s.trans_b ? j * o.ldb + q : q * o.ldb + j];
      double& out = c[i * o.ldc + j];
      out = alpha * sum + (s.accumulate ? out : 0) + (s.bias ? o.bias[j] : 0);
    }
  return c;
}

template <class T>
std::vector<T> run(const Case& s, const Operands& o, T alpha) {
  const std::vector<T> a(o.a.begin(), o.a.end()), b(o.b.begin(), o.b.end()),
      bias(o.bias.begin(), o.bias.end());
  std::vector<T> c(o.c.begin(), o.c.end());
  gemm<T>(s.trans_a, s.trans_b, s.m, s.n, s.k, alpha, a.data(), o.lda, b.data(), o.ldb,
          s.accumulate, c.data(), o.ldc, {.bias = s.bias ? bias.data() : nullptr});
  return c;
}

std::vector<Case> cases() {
  std::vector<Case> all = {
      {0, 5, 3},      {5, 0, 3},    {4, 6, 0},       {1, 1, 1},
      {300, 33, 520}, {7, 500, 64}, {300, 700, 1021}};  // rows of a 4 KB apart; operands larger
                                                        // than L2
  for (const int64_t m : {1, 3})  // dot products, added to what is there
    for (const bool bias : {false, true}) all.push_back({m, 40, 150, false, true, true, bias});
  Rng rng(5);
  for (int i = 0; i < 60; ++i) {
    const auto below = [&](uint32_t n) { return int64_t(rng.below(n)); };
    all.push_back({below(40), below(120), below(i % 4 == 0 ? 600 : 40), rng.chance(.5f),
                   rng.chance(.5f), rng.chance(.3f), rng.chance(.5f)});
  }
  return all;
}

TEST(Gemm, Float64EqualsPlainLoops) {
  for (const Case& s : cases()) {
    const Operands o(s);
    expect_close(run<double>(s, o, 0.5), naive(s, o, 0.5), 1e-13);
  }
}

TEST(Gemm, Float32EqualsPlainLoops) {
  for (const Case& s : cases()) {
    SCOPED_TRACE(fmt::format("{} x {} x {}, transposed {} {}, accumulate {}", s.m, s.n, s.k,
                             s.trans_a, s.trans_b, s.accumulate));
    const Operands o(s);
    const std::vector<double> exact = naive(s, o, 0.5);
    on_every_isa([&] { expect_close(run<float>(s, o, 0.5f), exact, 1e-5); });
  }
}

// The epilogue's addend lies as c does, with gaps between its rows, which are not touched.
TEST(Gemm, EpilogueEqualsPlainLoops) {
  for (const Case& s : {Case{1, 10, 64}, {33, 77, 530}, {5, 40, 0}, {130, 20, 300, false, true}}) {
    const Operands o(s);
    const auto addend = normal_values(o.ldc * s.m, 6);
    const double scale = std::sqrt(double(s.k + 1));
    std::vector<double> exact = naive(s, o, 1);
    for (int64_t i = 0; i < s.m; ++i)
      for (int64_t j = 0; j < s.n; ++j) {
        double& c = exact[i * o.ldc + j];
        c = std::clamp(c + o.bias[j] + addend[i * o.ldc + j], -scale, 2 * scale);
      }
    const Epilogue<float> epilogue{o.bias.data(), addend.data(), float(-scale), float(2 * scale)};
    for (size_t i = 0; i < exact.size(); ++i)
      if (std::isnan(exact[i])) exact[i] = 0;
    on_every_isa([&] {
      const PackedMatrix packed(s.trans_b, s.k, s.n, o.b.data(), o.ldb);
      for (const bool pack : {false, true}) {
        std::vector<float> c = o.c;
        if (pack)
          gemm(s.m, o.a.data(), o.lda, packed, c.data(), o.ldc, epilogue);
        else
          gemm<float>(s.trans_a, s.trans_b, s.m, s.n, s.k, 1, o.a.data(), o.lda, o.b.data(), o.ldb,
                      0, c.data(), o.ldc, epilogue);
        for (int64_t i = 0; i < s.m; ++i)
          for (int64_t j = s.n; j < o.ldc; ++j) {
            EXPECT_EQ(std::memcmp(&c[i * o.ldc + j], &o.c[i * o.ldc + j], sizeof(float)), 0);
            c[i * o.ldc + j] = static_cast<float>(exact[i * o.ldc + j]);
          }
        expect_close(c, exact, 1e-5);
      }
    });
  }
}

TEST(Gemm, PackedMatrixIsReused) {
  for (const bool trans : {false, true})
    for (const int64_t m : {1, 2, 40}) {
      const Case s{m, 77, 530, false, trans, false, true};
      const Operands o(s);
      on_every_isa([&] {
        const PackedMatrix packed(trans, s.k, s.n, o.b.data(), o.ldb);
        EXPECT_EQ(packed.rows(), s.k);
        EXPECT_EQ(packed.columns(), s.n);
        for (int again = 0; again < 2; ++again) {
          std::vector<float> c = o.c;
          gemm(m, o.a.data(), o.lda, packed, c.data(), o.ldc, {.bias = o.bias.data()});
          expect_close(c, naive(s, o, 1), 1e-5);
        }
      });
    }
}

TEST(Gemm, PackedMatrixAddsToWhatIsThere) {
  for (const auto& [m, k] : {std::pair<int64_t, int64_t>{1, 530}, {7, 20}, {40, 530}, {3, 0}}) {
    const Case s{m, 77, k, false, true, true, false};
    const Operands o(s);
    on_every_isa([&] {
      const PackedMatrix packed(true, s.k, s.n, o.b.data(), o.ldb);
      std::vector<float> c = o.c;
      gemm(s.m, o.a.data(), o.lda, packed, c.data(), o.ldc, {}, 1);
      expect_close(c, naive(s, o, 1), 1e-5);
    });
  }
}

TEST(Gemm, IsDeterministic) {
  const Case s{200, 100, 700, false, true, false, false};
  const Operands o(s);
  on_every_isa([&] {
    EXPECT_EQ(std::memcmp(run<float>(s, o, 1).data(), run<float>(s, o, 1).data(),
                          o.c.size() / 2 * sizeof(float)),
              0);
  });
}

}  // namespace
}  // namespace tuco::cpu
