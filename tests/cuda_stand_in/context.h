// Switching between stacks: 20 lines of assembly on x86-64, elsewhere (and with
// STANDIN_PORTABLE_SWITCH) makecontext for the first entry and setjmp from then on, since
// swapcontext makes a system call each time.
#pragma once
#include <cstddef>

#if !defined(__x86_64__) && !defined(STANDIN_PORTABLE_SWITCH)
#define STANDIN_PORTABLE_SWITCH
#endif
#ifdef STANDIN_PORTABLE_SWITCH
#include <setjmp.h>
#include <ucontext.h>
#endif
#if defined(__SANITIZE_ADDRESS__)
#define STANDIN_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define STANDIN_ASAN
#endif
#endif
#ifdef STANDIN_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace standin {

/// A stack with what runs on it.
struct Context {
#ifdef STANDIN_PORTABLE_SWITCH
  ucontext_t first{};
  jmp_buf rest{};
  bool started = false;
#else
  void* top = nullptr;
#endif
  // For AddressSanitizer.
  const void* stack = nullptr;
  std::size_t size = 0;
  void* fake = nullptr;
};

#ifndef STANDIN_PORTABLE_SWITCH
extern "C" void standin_switch(void** from, void* to);
#endif

/// Makes `context` one that starts `entry` on [stack, stack + size).
inline void prepare(Context& context, std::byte* stack, std::size_t size, void (*entry)()) {
  context.stack = stack;
  context.size = size;
#ifdef STANDIN_PORTABLE_SWITCH
  getcontext(&context.first);
  context.first.uc_stack = {stack, 0, size};
  context.first.uc_link = nullptr;
  makecontext(&context.first, entry, 0);
#else
  void** top = reinterpret_cast<void**>(stack + size);
  *--top = nullptr;                              // keeps the stack aligned at entry
  *--top = reinterpret_cast<void*>(entry);       // where `ret` goes
  for (int i = 0; i < 6; ++i) *--top = nullptr;  // the six saved registers
  context.top = top;
#endif
}

/// Leaves `from` and goes on in `to`; returns when something switches back.
inline void switch_context(Context& from, Context& to) {
#ifdef STANDIN_ASAN
  __sanitizer_start_switch_fiber(&from.fake, to.stack, to.size);
#endif
#ifdef STANDIN_PORTABLE_SWITCH
  from.started = true;
  if (_setjmp(from.rest) == 0) {
    if (to.started) _longjmp(to.rest, 1);
    to.started = true;
    setcontext(&to.first);
  }
#else
  standin_switch(&from.top, to.top);
#endif
#ifdef STANDIN_ASAN
  __sanitizer_finish_switch_fiber(from.fake, nullptr, nullptr);
#endif
}

}  // namespace standin
