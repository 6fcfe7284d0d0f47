// A QEMU plugin (interface version 1) that says of each instruction executed from one address to
// another how often it was, and how often the next one was not the one behind it: what cycles.py
// needs to count cycles as a core's manual gives them. As in count_plugin.c the functions used are
// declared here.
//   qemu-system-arm ... -plugin mix_plugin.so,begin=ADDRESS,end=ADDRESS
// prints "instruction ADDRESS TIMES TAKEN TEXT" for each.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t plugin_id;
struct block;
struct instruction;
enum { NO_REGISTERS = 0, MOST = 1 << 16 };

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, void (*)(plugin_id, struct block*));
size_t qemu_plugin_tb_n_insns(const struct block*);
struct instruction* qemu_plugin_tb_get_insn(const struct block*, size_t);
uint64_t qemu_plugin_insn_vaddr(const struct instruction*);
size_t qemu_plugin_insn_size(const struct instruction*);
char* qemu_plugin_insn_disas(const struct instruction*);
void qemu_plugin_register_vcpu_insn_exec_cb(struct instruction*, void (*)(unsigned, void*),
                                            int flags, void*);

#define EXPORT __attribute__((visibility("default")))
EXPORT int qemu_plugin_version = 1;

static struct {
  uint64_t address, times, taken;
  size_t size;
  char* text;
} instructions[MOST];
static int count, before = -1, counting;
static uint64_t begin_address, end_address;

// The number of an instruction, which is the same whenever its block is translated again.
static int number_of(struct instruction* at) {
  const uint64_t address = qemu_plugin_insn_vaddr(at);
  for (int i = 0; i < count; i++)
    if (instructions[i].address == address) return i;
  if (count == MOST) {
    fprintf(stderr, "mix_plugin: more than %d instructions\n", MOST);
    exit(1);
  }
  instructions[count].address = address;
  instructions[count].size = qemu_plugin_insn_size(at);
  instructions[count].text = qemu_plugin_insn_disas(at);
  return count++;
}

static void on_instruction(unsigned cpu, void* data) {
  (void)cpu;
  const int i = (int)(intptr_t)data;
  if (!counting) return;
  instructions[i].times++;
  if (before >= 0 &&
      instructions[i].address != instructions[before].address + instructions[before].size)
    instructions[before].taken++;
  before = i;
}

static void on_begin(unsigned cpu, void* data) {
  (void)cpu, (void)data;
  counting = 1;
}

static void on_end(unsigned cpu, void* data) {
  (void)cpu, (void)data;
  counting = 0;
  for (int i = 0; i < count; i++)
    if (instructions[i].times > 0)
      fprintf(stderr, "instruction %" PRIx64 " %" PRIu64 " %" PRIu64 " %s\n",
              instructions[i].address, instructions[i].times, instructions[i].taken,
              instructions[i].text != NULL ? instructions[i].text : "?");
}

static void on_translate(plugin_id id, struct block* block) {
  (void)id;
  for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
    struct instruction* at = qemu_plugin_tb_get_insn(block, i);
    const uint64_t address = qemu_plugin_insn_vaddr(at);
    if (address == begin_address)
      qemu_plugin_register_vcpu_insn_exec_cb(at, on_begin, NO_REGISTERS, NULL);
    if (address == end_address)
      qemu_plugin_register_vcpu_insn_exec_cb(at, on_end, NO_REGISTERS, NULL);
    qemu_plugin_register_vcpu_insn_exec_cb(at, on_instruction, NO_REGISTERS,
                                           (void*)(intptr_t)number_of(at));
  }
}

EXPORT int qemu_plugin_install(plugin_id id, const void* info, int argc, char** argv) {
  (void)info;
  for (int i = 0; i < argc; i++) {
    if (strncmp(argv[i], "begin=", 6) == 0) begin_address = strtoull(argv[i] + 6, NULL, 16) & ~1ull;
    if (strncmp(argv[i], "end=", 4) == 0) end_address = strtoull(argv[i] + 4, NULL, 16) & ~1ull;
  }
  qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
  return 0;
}
