// SPDX-License-Identifier: GPL-2.0
/*
 * insnprof: a QEMU TCG plugin that counts the guest's instructions by translation block,
 * between the marks that espgun sets. Each pair of marks makes a file OUT.1, OUT.2, ... of
 * lines "address instructions"; profile_table.py turns them into instructions per packet and
 * kernel function. Used by profile.sh.
 *
 * Debian ships no qemu-plugin.h, so the few calls used are declared here (plugin API 1,
 * QEMU 7.2 and later).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
#define INLINE_ADD_U64 0
#define CB_NO_REGS 0

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id,
					   void (*cb)(plugin_id id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, int op, void *ptr,
					      uint64_t imm);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
					    void (*cb)(unsigned int cpu, void *data), int flags,
					    void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);

EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv);

struct block {
	uint64_t vaddr;
	uint64_t n_insns;
	uint64_t executed;	/* instructions, not executions */
	struct block *next;
};

#define N_SLOTS 65536
static struct block *slots[N_SLOTS];
static const char *out_path = "insnprof.out";
static unsigned int n_files;

/* nopl 0x0b07e001(%rax) and 0x0b07e002(%rax), see espgun.c */
static const unsigned char mark_begin[] = { 0x0f, 0x1f, 0x80, 0x01, 0xe0, 0x07, 0x0b };
static const unsigned char mark_end[] = { 0x0f, 0x1f, 0x80, 0x02, 0xe0, 0x07, 0x0b };

static struct block *block_get(uint64_t vaddr, uint64_t n_insns)
{
	struct block **slot = &slots[(vaddr ^ vaddr >> 16) % N_SLOTS], *b;

	for (b = *slot; b; b = b->next)
		if (b->vaddr == vaddr && b->n_insns == n_insns)
			return b;
	b = calloc(1, sizeof(*b));
	if (!b)
		abort();
	*b = (struct block){ vaddr, n_insns, 0, *slot };
	return *slot = b;
}

static void on_begin(unsigned int cpu, void *unused)
{
	struct block *b;
	int i;

	for (i = 0; i < N_SLOTS; i++)
		for (b = slots[i]; b; b = b->next)
			b->executed = 0;
}

static void on_end(unsigned int cpu, void *unused)
{
	const struct block *b;
	char path[4096];
	FILE *file;
	int i;

	snprintf(path, sizeof(path), "%s.%u", out_path, ++n_files);
	file = fopen(path, "w");
	if (!file) {
		perror(path);
		return;
	}
	for (i = 0; i < N_SLOTS; i++)
		for (b = slots[i]; b; b = b->next)
			if (b->executed)
				fprintf(file, "%" PRIx64 " %" PRIu64 "\n", b->vaddr, b->executed);
	fclose(file);
}

static int is_mark(const struct qemu_plugin_insn *insn, const unsigned char *mark)
{
	return qemu_plugin_insn_size(insn) == sizeof(mark_begin) &&
	       !memcmp(qemu_plugin_insn_data(insn), mark, sizeof(mark_begin));
}

static void on_translate(plugin_id id, struct qemu_plugin_tb *tb)
{
	size_t i, n = qemu_plugin_tb_n_insns(tb);
	struct block *b = block_get(qemu_plugin_tb_vaddr(tb), n);

	qemu_plugin_register_vcpu_tb_exec_inline(tb, INLINE_ADD_U64, &b->executed, n);
	for (i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		if (is_mark(insn, mark_begin))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_begin, CB_NO_REGS, NULL);
		else if (is_mark(insn, mark_end))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_end, CB_NO_REGS, NULL);
	}
}

int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
	int i;

	for (i = 0; i < argc; i++)
		if (!strncmp(argv[i], "out=", 4))
			out_path = strdup(argv[i] + 4);
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
	return 0;
}
