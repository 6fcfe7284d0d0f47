// Runs a grid on fibres. A fibre takes CUDA threads one after the other until one of them blocks,
// so that a kernel without barriers costs a plain call for each thread. Of the warps that can run,
// the first one does, up to where all of its threads wait: it gets as far ahead of the others as
// the barriers allow, which is where a missing barrier shows. STANDIN_WARPS=seed shuffles, for each
// block, who comes first.
#undef _FORTIFY_SOURCE  // its longjmp takes a switch of stacks for an error
#include "context.h"

#include <signal.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <numeric>
#include <random>

#include <utility>

#include "device.h"
#include "settings.h"

constinit thread_local uint3 threadIdx{}, blockIdx{};
constinit thread_local dim3 blockDim{}, gridDim{};

namespace standin {

// What device_code.h declares of this file; that header would turn off CUDA's attributes here.

struct Votes {
  int count = 0;
  int threads = 0;
};

namespace {

constexpr unsigned kWarp = 32, kWarps = 32;
constexpr std::size_t kStack = 256 * 1024, kPage = 4096;
constexpr std::size_t kStaticShared = 48 * 1024, kCanary = 16;

struct Fiber {
  Context context;
  std::byte* stack = nullptr;
  unsigned thread = 0;

  Fiber() = default;
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  ~Fiber() {
    if (!stack) return;
#ifdef STANDIN_ASAN
    __asan_unpoison_memory_region(stack, kStack);  // frames may be left where a block was given up
#endif
    munmap(stack, kStack);
  }
};

// Lanes that exchange values: those of one mask.
struct Group {
  unsigned mask = 0, line = 0;
  std::uint64_t* slots = nullptr;
  std::vector<Fiber*> waiting;
};

struct Warp {
  // A buffer for each exchange, in turn: lanes are resumed in the order in which they came, so that
  // whoever still has to read one cannot be met by so many others.
  static constexpr unsigned kBuffers = 2 * kWarp;
  std::uint64_t slots[kBuffers][kWarp] = {};
  unsigned buffer = 0;
  std::vector<Group> groups;  // that wait; their masks share no lane
  std::vector<Fiber*> ready;
  std::size_t head = 0;            // of `ready`
  unsigned next = 0, threads = 0;  // the lane that starts next, and how many there are
  unsigned exited = 0;             // a bit for each lane that returned
  unsigned rank = 0;               // its place in the order of warps

  bool can_run() const { return next < threads || head < ready.size(); }
};

struct Block {
  const std::function<void()>* body = nullptr;
  unsigned threads = 0, exited = 0, warp_count = 0;
  Context main;
  Fiber* current = nullptr;
  std::vector<std::unique_ptr<Fiber>> fibers;
  std::vector<Fiber*> idle;
  std::array<Warp, kWarps> warps;
  std::array<unsigned, kWarps> order{};  // the warps by rank
  unsigned runnable = 0;                 // a bit for each rank
  std::vector<Fiber*> at_barrier;
  unsigned barrier_line = 0;
  Votes votes, result;
  std::string error;
  bool reverse = false;
  unsigned seed = 0;  // of `random`, which orders the warps unless it is 0
  std::mt19937 random;
  // Shared memory.
  // A static object; kCanary bytes behind it are nobody's.
  struct Static {
    const void* key;
    std::size_t at, bytes;
  };
  std::vector<Static> named;
  alignas(128) std::byte arena[2 * kStaticShared];
  std::size_t used = 0, limit = 0;  // as on the device, without what is nobody's
  std::unique_ptr<std::byte[]> dynamic;
  std::size_t dynamic_bytes = 0, dynamic_room = 0;
};
thread_local std::unique_ptr<Block> block;

std::atomic<unsigned>& warp_seed() {
  static std::atomic<unsigned> seed = [] {
    const char* text = std::getenv("STANDIN_WARPS");
    return text ? unsigned(std::atoi(text)) : 0u;
  }();
  return seed;
}

void set_thread(unsigned t) {
  const dim3 d = blockDim;
  threadIdx = {t % d.x, t / d.x % d.y, t / (d.x * d.y)};
}

void switch_to(Fiber* to) {
  Fiber* from = block->current;
  if (from == to) return;
  block->current = to;
  switch_context(from ? from->context : block->main, to ? to->context : block->main);
  if (block->current) set_thread(block->current->thread);
}

void fiber_main();

Fiber* idle_fiber() {
  if (!block->idle.empty()) {
    Fiber* f = block->idle.back();
    block->idle.pop_back();
    return f;
  }
  auto f = std::make_unique<Fiber>();
  void* stack = mmap(nullptr, kStack, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (stack == MAP_FAILED) throw std::bad_alloc();
  f->stack = static_cast<std::byte*>(stack);
  mprotect(f->stack, kPage, PROT_NONE);  // too deep a stack faults
  prepare(f->context, f->stack, kStack, fiber_main);
  block->fibers.push_back(std::move(f));
  return block->fibers.back().get();
}

// On a fibre: gives the block up. Nothing on the fibre's stack is destroyed, so that no text there
// may own memory.
[[noreturn, gnu::format(printf, 1, 2)]] void fail(const char* format, ...) {
  char what[256];
  va_list values;
  va_start(values, format);
  std::vsnprintf(what, sizeof what, format, values);
  va_end(values);
  const uint3 b = blockIdx, t = threadIdx;
  char where[128];
  std::snprintf(where, sizeof where, " (block %u, %u, %u, thread %u, %u, %u)", b.x, b.y, b.z, t.x,
                t.y, t.z);
  block->error = what;
  block->error += where;
  switch_to(nullptr);
  __builtin_unreachable();
}

Warp& warp_of(const Fiber* f) { return block->warps[f->thread / kWarp]; }

void make_ready(Fiber* f) {
  Warp& w = warp_of(f);
  w.ready.push_back(f);
  block->runnable |= 1u << w.rank;
}

// The fibre that runs next: the running one (`free`: its thread has returned) where it can take a
// new thread; null where nothing is left to run.
Fiber* next_fiber(bool free) {
  Block& b = *block;
  if (!b.runnable) return nullptr;
  const unsigned index = b.order[unsigned(std::countr_zero(b.runnable))];
  Warp& w = b.warps[index];
  Fiber* f;
  if (w.next < w.threads) {
    f = free ? b.current : idle_fiber();
    const unsigned lane = b.reverse ? w.threads - 1 - w.next : w.next;
    ++w.next;
    f->thread = index * kWarp + lane;
  } else {
    f = w.ready[w.head++];
    if (w.head == w.ready.size()) {
      w.ready.clear();
      w.head = 0;
    }
  }
  if (!w.can_run()) b.runnable &= ~(1u << w.rank);
  return f;
}

void fiber_main() {
#ifdef STANDIN_ASAN
  const void* bottom = nullptr;
  std::size_t size = 0;
  __sanitizer_finish_switch_fiber(nullptr, &bottom, &size);
  if (!block->main.stack) {  // entered from the main stack, whose bounds nobody else tells
    block->main.stack = bottom;
    block->main.size = size;
  }
#endif
  for (;;) {
    Block& b = *block;
    set_thread(b.current->thread);
    (*b.body)();
    ++b.exited;
    warp_of(b.current).exited |= 1u << b.current->thread % kWarp;
    if (!b.at_barrier.empty())
      fail("a thread returns while others wait at __syncthreads, line %u", b.barrier_line);
    Fiber* self = b.current;
    Fiber* next = next_fiber(true);
    if (next == self) continue;
    b.idle.push_back(self);
    switch_to(next);
    // Someone gave this fibre a new thread.
  }
}

void start_block() {
  Block& b = *block;
  b.exited = 0;
  b.at_barrier.clear();
  b.barrier_line = 0;
  b.votes = {};
  b.used = 0;
  b.named.clear();
  std::iota(b.order.begin(), b.order.end(), 0u);
  if (b.seed) std::shuffle(b.order.begin(), b.order.begin() + b.warp_count, b.random);
  b.runnable = b.warp_count == kWarps ? ~0u : (1u << b.warp_count) - 1;
  for (unsigned rank = 0; rank < b.warp_count; ++rank) {
    Warp& w = b.warps[b.order[rank]];
    w.rank = rank;
    w.next = w.exited = 0;
    w.threads = std::min(kWarp, b.threads - b.order[rank] * kWarp);
    w.groups.clear();
    w.ready.clear();
    w.head = 0;
  }
  std::memset(b.dynamic.get(), 0xff, b.dynamic_bytes + kCanary);  // NaN
}

std::string unfinished() {
  Block& b = *block;
  std::string what = "not all threads reach ";
  if (!b.at_barrier.empty()) {
    what += "__syncthreads, line " + std::to_string(b.barrier_line) + " (" +
            std::to_string(b.at_barrier.size()) + " of " + std::to_string(b.threads) + " came)";
  } else {
    for (unsigned i = 0; i < b.warp_count; ++i)
      for (const Group& g : b.warps[i].groups)
        return what + "a warp operation, line " + std::to_string(g.line) + " (" +
               std::to_string(g.waiting.size()) + " of " + std::to_string(std::popcount(g.mask)) +
               " lanes of warp " + std::to_string(i) + " came)";
  }
  return what;
}

void run_block() {
  Block& b = *block;
  start_block();
  b.current = nullptr;
  switch_to(next_fiber(false));
  if (b.error.empty() && b.exited != b.threads) b.error = unfinished();
  const auto require_untouched = [&](const std::byte* canary, const char* memory,
                                     std::size_t bytes) {
    const auto is_untouched = [](std::byte value) { return value == std::byte{0xff}; };
    if (b.error.empty() && !std::all_of(canary, canary + kCanary, is_untouched))
      b.error = std::string("a write past the end of ") + memory + " (" + std::to_string(bytes) +
                " bytes)";
  };
  require_untouched(&b.dynamic[b.dynamic_bytes], "dynamic shared memory", b.dynamic_bytes);
  for (const auto& object : b.named)
    require_untouched(b.arena + object.at + object.bytes, "a static shared object", object.bytes);
  if (b.error.empty()) return;
  const std::string error = std::exchange(b.error, {});
  b.idle.clear();
  b.fibers.clear();  // what waits on them has no destructor that matters: kernels own nothing
  mistake(error);
}

}  // namespace

WarpOrder::WarpOrder(unsigned seed) : before_(warp_seed().exchange(seed)) {}
WarpOrder::~WarpOrder() { warp_seed() = before_; }

unsigned lane() { return block->current->thread % kWarp; }

unsigned active_lanes() {
  const Warp& w = warp_of(block->current);
  return (w.threads == kWarp ? ~0u : (1u << w.threads) - 1) & ~w.exited;
}

Votes sync_block(int predicate, unsigned line) {
  Block& b = *block;
  if (b.barrier_line && b.barrier_line != line)
    fail("__syncthreads of different lines meet: %u and %u", b.barrier_line, line);
  b.barrier_line = line;
  b.votes.count += predicate != 0;
  b.at_barrier.push_back(b.current);
  if (b.exited)
    fail("__syncthreads, line %u, after other threads of the block have returned", line);
  if (b.at_barrier.size() == b.threads) {
    for (Fiber* f : b.at_barrier) make_ready(f);
    b.at_barrier.clear();
    b.result = {.count = std::exchange(b.votes.count, 0), .threads = int(b.threads)};
    b.barrier_line = 0;
  }
  switch_to(next_fiber(false));
  return b.result;  // no later barrier can be complete before all have left this one
}

const std::uint64_t* exchange(unsigned mask, std::uint64_t bits, unsigned line) {
  Block& b = *block;
  Fiber* self = b.current;
  Warp& w = warp_of(self);
  const unsigned me = self->thread % kWarp;
  // A block's last warp may have fewer lanes; a mask of all is right for it too.
  if (w.threads < kWarp) mask &= (1u << w.threads) - 1;
  if (!(mask >> me & 1)) fail("warp operation: the mask leaves out the calling lane");
  auto group = std::find_if(w.groups.begin(), w.groups.end(),
                            [&](const Group& g) { return (g.mask & mask) != 0; });
  if (group == w.groups.end()) {
    std::uint64_t* slots = w.slots[w.buffer++ % Warp::kBuffers];
    std::memset(slots, 0xff, sizeof w.slots[0]);
    group = w.groups.insert(group, {mask, line, slots, {}});
  } else if (group->mask != mask) {
    fail("warp operation: lanes come with different masks");
  } else if (group->line != line) {
    fail("warp operations of different lines meet: %u and %u", group->line, line);
  }
  std::uint64_t* slots = group->slots;
  slots[me] = bits;
  group->waiting.push_back(self);
  if (group->waiting.size() == std::size_t(std::popcount(mask))) {
    for (Fiber* f : group->waiting) make_ready(f);
    w.groups.erase(group);
  }
  switch_to(next_fiber(false));
  return slots;
}

void* shared_memory(const void* key, std::size_t bytes, std::size_t align) {
  Block& b = *block;
  for (const auto& object : b.named)
    if (object.key == key) return b.arena + object.at;
  const auto aligned = [&](std::size_t end) { return (end + align - 1) / align * align; };
  const std::size_t end = aligned(b.used) + bytes;
  if (end > kStaticShared)
    fail("a kernel has %zu bytes of static shared memory; %zu is the limit", end, kStaticShared);
  if (end + b.dynamic_bytes > b.limit)
    fail("static and dynamic shared memory take %zu bytes; the kernel may have %zu",
         end + b.dynamic_bytes, b.limit);
  const std::size_t at =
      b.named.empty() ? 0 : aligned(b.named.back().at + b.named.back().bytes + kCanary);
  if (at + bytes + kCanary > sizeof b.arena)
    fail("a kernel has more static shared objects (%zu) than the stand-in takes", b.named.size());
  b.named.push_back({key, at, bytes});
  std::memset(b.arena + at, 0xff, bytes + kCanary);  // NaN
  b.used = end;
  return b.arena + at;
}

void* dynamic_shared_memory() { return block->dynamic.get(); }

bool below_a_stack(const void* p) {
  if (!block) return false;
  const auto* at = static_cast<const std::byte*>(p);
  return std::any_of(block->fibers.begin(), block->fibers.end(),
                     [&](const auto& f) { return at >= f->stack && at < f->stack + kPage; });
}

void run_grid(dim3 grid, dim3 dim, std::size_t shared_bytes, std::size_t shared_limit,
              const std::function<void()>& one_thread) {
  if (!block) {
    block = std::make_unique<Block>();
    block->reverse = std::getenv("STANDIN_REVERSE") != nullptr;
#ifndef STANDIN_ASAN
    // The handler of faults runs here, since a fibre's stack may be what is at its end.
    static thread_local std::array<std::byte, 64 * 1024> handler_stack;
    stack_t handler{};
    handler.ss_sp = handler_stack.data();
    handler.ss_size = handler_stack.size();
    sigaltstack(&handler, nullptr);
#endif
  }
  Block& b = *block;
  if (b.seed != warp_seed()) {
    b.seed = warp_seed();
    b.random.seed(b.seed);
  }
  b.body = &one_thread;
  b.threads = dim.x * dim.y * dim.z;
  b.warp_count = (b.threads + kWarp - 1) / kWarp;
  b.limit = shared_limit;
  b.dynamic_bytes = shared_bytes;
  if (!b.dynamic || b.dynamic_room < shared_bytes + kCanary) {
    b.dynamic_room = shared_bytes + kCanary;
    b.dynamic = std::make_unique<std::byte[]>(b.dynamic_room);
  }
  blockDim = dim;
  gridDim = grid;
  for (unsigned z = 0; z < grid.z; ++z)
    for (unsigned y = 0; y < grid.y; ++y)
      for (unsigned x = 0; x < grid.x; ++x) {
        blockIdx = {x, y, z};
        run_block();
      }
}

#ifndef STANDIN_PORTABLE_SWITCH
asm(R"(
.text
.globl standin_switch
.type standin_switch,@function
standin_switch:
  pushq %rbp; pushq %rbx; pushq %r12; pushq %r13; pushq %r14; pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15; popq %r14; popq %r13; popq %r12; popq %rbx; popq %rbp
  ret
.size standin_switch,.-standin_switch
)");
#endif

}  // namespace standin
