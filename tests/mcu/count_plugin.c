// A QEMU plugin (interface version 1) that counts the instructions executed from mcu_count_begin to
// mcu_count_end, with the functions that took the most of them. Counts are exact and repeatable;
// they are not cycles. With calls=FUNCTION there is a line, too, for each call that this function
// makes itself, with all that is executed until it goes on or is back in outer=FUNCTION, its caller
// (who calls last may jump). QEMU ships no header for plugins everywhere, so the few functions used
// are declared here.
//   qemu-system-arm ... -plugin count_plugin.so,begin=ADDRESS,end=ADDRESS,profile=LINES
//                       [,calls=model_run,outer=main]
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t plugin_id;
struct block;
struct instruction;
enum { NO_REGISTERS = 0, ADD_U64 = 0, MAX_FUNCTIONS = 4096, MAX_CALLS = 4096 };

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, void (*)(plugin_id, struct block*));
size_t qemu_plugin_tb_n_insns(const struct block*);
struct instruction* qemu_plugin_tb_get_insn(const struct block*, size_t);
uint64_t qemu_plugin_insn_vaddr(const struct instruction*);
const char* qemu_plugin_insn_symbol(const struct instruction*);
void qemu_plugin_register_vcpu_insn_exec_inline(struct instruction*, int operation, void* counter,
                                                uint64_t addend);
void qemu_plugin_register_vcpu_tb_exec_cb(struct block*, void (*)(unsigned, void*), int flags,
                                          void*);
void qemu_plugin_register_vcpu_insn_exec_cb(struct instruction*, void (*)(unsigned, void*),
                                            int flags, void*);

#define EXPORT __attribute__((visibility("default")))
EXPORT int qemu_plugin_version = 1;

struct function {
  const char* name;
  uint64_t count, at_begin;
};

// Translated blocks hold the counters' addresses, so the table never moves.
static struct function functions[MAX_FUNCTIONS] = {{"(others)", 0, 0}};
static int function_count = 1, profile_lines;
static uint64_t total, total_at_begin, begin_address, end_address;

// The calls that one function makes: where it is at present, and what there was.
static const char *calls_of, *outer;
static struct {
  const char* name;
  uint64_t count;
} calls[MAX_CALLS];
static int call_count;
static enum { ELSEWHERE, IN_FUNCTION, IN_CALL } place;
static uint64_t total_at_call;

static struct function* function_named(const char* name) {
  if (name == NULL || *name == '\0') return &functions[0];
  for (int i = 1; i < function_count; i++)
    if (strcmp(functions[i].name, name) == 0) return &functions[i];
  if (function_count == MAX_FUNCTIONS) return &functions[0];
  functions[function_count].name = strdup(name);
  return &functions[function_count++];
}

static uint64_t counted(const struct function* f) { return f->count - f->at_begin; }

// Blocks never reach over the end of a function: it is a branch.
static void on_block(unsigned cpu, void* data) {
  (void)cpu;
  const struct function* f = data;
  const int is_function = strcmp(f->name, calls_of) == 0;
  if (place == IN_CALL && (is_function || strcmp(f->name, outer) == 0)) {
    calls[call_count++].count = total - total_at_call;
    place = ELSEWHERE;
  }
  if (is_function) {
    place = IN_FUNCTION;
  } else if (place == IN_FUNCTION && call_count < MAX_CALLS && strcmp(f->name, outer) != 0) {
    calls[call_count].name = f->name;
    total_at_call = total;
    place = IN_CALL;
  }
}

static void on_begin(unsigned cpu, void* data) {
  (void)cpu, (void)data;
  for (int i = 0; i < function_count; i++) functions[i].at_begin = functions[i].count;
  total_at_begin = total;
  call_count = 0;
  place = ELSEWHERE;
}

static void on_end(unsigned cpu, void* data) {
  (void)cpu, (void)data;
  fprintf(stderr, "instructions %" PRIu64 "\n", total - total_at_begin);
  for (int i = 0; i < call_count; i++)
    fprintf(stderr, "call %12" PRIu64 " %s\n", calls[i].count, calls[i].name);
  uint64_t limit = UINT64_MAX;  // the count of the function printed last
  for (int line = 0; line < profile_lines;) {
    uint64_t most = 0;
    for (int i = 0; i < function_count; i++)
      if (counted(&functions[i]) < limit && counted(&functions[i]) > most)
        most = counted(&functions[i]);
    if (most == 0) break;
    for (int i = 0; i < function_count && line < profile_lines; i++)
      if (counted(&functions[i]) == most)
        fprintf(stderr, "  %12" PRIu64 " %s\n", most, functions[i].name), line++;
    limit = most;
  }
}

static void on_translate(plugin_id id, struct block* block) {
  (void)id;
  if (calls_of != NULL && qemu_plugin_tb_n_insns(block) > 0)
    qemu_plugin_register_vcpu_tb_exec_cb(
        block, on_block, NO_REGISTERS,
        function_named(qemu_plugin_insn_symbol(qemu_plugin_tb_get_insn(block, 0))));
  for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
    struct instruction* at = qemu_plugin_tb_get_insn(block, i);
    const uint64_t address = qemu_plugin_insn_vaddr(at);
    if (address == begin_address)
      qemu_plugin_register_vcpu_insn_exec_cb(at, on_begin, NO_REGISTERS, NULL);
    if (address == end_address)
      qemu_plugin_register_vcpu_insn_exec_cb(at, on_end, NO_REGISTERS, NULL);
    qemu_plugin_register_vcpu_insn_exec_inline(at, ADD_U64, &total, 1);
    if (profile_lines > 0)
      qemu_plugin_register_vcpu_insn_exec_inline(
          at, ADD_U64, &function_named(qemu_plugin_insn_symbol(at))->count, 1);
  }
}

EXPORT int qemu_plugin_install(plugin_id id, const void* info, int argc, char** argv) {
  (void)info;
  for (int i = 0; i < argc; i++) {
    if (strncmp(argv[i], "begin=", 6) == 0) {
      begin_address = strtoull(argv[i] + 6, NULL, 16) & ~1ull;
    } else if (strncmp(argv[i], "end=", 4) == 0) {
      end_address = strtoull(argv[i] + 4, NULL, 16) & ~1ull;
    } else if (strncmp(argv[i], "profile=", 8) == 0) {
      profile_lines = atoi(argv[i] + 8);
    } else if (strncmp(argv[i], "calls=", 6) == 0) {
      calls_of = strdup(argv[i] + 6);
    } else if (strncmp(argv[i], "outer=", 6) == 0) {
      outer = strdup(argv[i] + 6);
    } else {
      fprintf(stderr, "count_plugin: unknown option %s\n", argv[i]);
      return -1;
    }
  }
  if ((calls_of == NULL) != (outer == NULL)) {
    fprintf(stderr, "count_plugin: calls= and outer= belong together\n");
    return -1;
  }
  qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
  return 0;
}
