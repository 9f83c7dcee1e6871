// SPDX-License-Identifier: GPL-2.0
/*
 * Runs the operator's program when what it was told last is not true any more. It is told
 * the state and not what has happened, so that changes during a run make one more run,
 * whatever they were. One at a time for each link; one that takes too long is killed with
 * all that it has begun; one that fails is repeated. It gets nothing of ours: neither
 * environment nor descriptors.
 */
#include "hook.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "util.h"

/**
 * struct hook - of a link
 * @link: its name
 * @all: those of all links
 * @path: the program
 * @timeout_ms: for so long it may run
 * @want: what it is to be told: arguments, without the program
 * @told: what it was told the last time
 * @failures: so often that was in vain
 * @pid: it runs, or 0
 * @began: when it was started
 * @ended: when that was over, and in vain
 * @killed: it took too long
 * @timer: kills it, or runs it once more
 * @fd: its output
 * @out: watch of @fd
 * @line: of its output
 * @lines: so many so far
 */
struct hook {
	char *link;
	struct bt_hooks *all;
	char *path;
	uint64_t timeout_ms;
	struct bt_strings want;
	struct bt_strings told;
	unsigned int failures;
	pid_t pid;
	uint64_t began;
	uint64_t ended;
	bool killed;
	struct bt_timer *timer;
	int fd;
	struct bt_fd *out;
	struct bt_buf line;
	unsigned int lines;
};

/**
 * struct bt_hooks - those of all links
 * @loop: event loop
 * @child: a child has ended
 * @hurry: what failed is repeated so many times sooner
 * @dying: killed, and nobody's any more: their ends are still to come
 * @v: array
 * @n: how many
 */
struct bt_hooks {
	struct bt_loop *loop;
	struct bt_signal *child;
	unsigned int hurry;
	struct {
		pid_t *v;
		size_t n;
	} dying;
	struct hook **v;
	size_t n;
};

static bool same(const struct bt_strings *a, const struct bt_strings *b)
{
	size_t i;

	for (i = 0; i < a->n && i < b->n; i++)
		if (strcmp(a->v[i], b->v[i]) != 0)
			return false;
	return a->n == b->n;
}

static void copy(struct bt_strings *to, const struct bt_strings *from)
{
	size_t i;

	bt_strings_clear(to);
	for (i = 0; i < from->n; i++)
		*bt_array_add(to) = bt_strdup(from->v[i]);
}

/* --- its output --- */

static void end_line(struct hook *h)
{
	if (h->line.len && h->lines++ < BT_HOOK_LINES)
		bt_info("on_change of %s: %s", h->link, h->line.data);
	h->line.len = 0;
}

/* bt_log() sees to characters that are none. */
static void take_output(struct hook *h, const char *data, size_t len)
{
	for (; len; len--, data++) {
		if (*data == '\n')
			end_line(h);
		else if (h->line.len < BT_HOOK_LINE)
			bt_buf_add(&h->line, data, 1);
	}
}

static void close_output(struct hook *h)
{
	if (h->fd < 0)
		return;
	bt_fd_free(h->out);
	h->out = NULL;
	close(h->fd);
	h->fd = -1;
}

static void read_output(void *arg, unsigned int ready)
{
	struct hook *h = arg;
	char data[4096];
	ssize_t len = read(h->fd, data, sizeof(data));

	if (len > 0)
		take_output(h, data, (size_t)len);
	else if (!len || (errno != EAGAIN && errno != EINTR))
		close_output(h);
}

/* What it wrote last may still be in the pipe; a child of its own may hold that open. */
static void finish_output(struct hook *h)
{
	char data[4096];
	ssize_t len;
	int i;

	for (i = 0; h->fd >= 0 && i < 16; i++) {
		len = read(h->fd, data, sizeof(data));
		if (len <= 0)
			break;
		take_output(h, data, (size_t)len);
	}
	close_output(h);
	end_line(h);
	if (h->lines > BT_HOOK_LINES)
		bt_info("on_change of %s: and %u more lines", h->link, h->lines - BT_HOOK_LINES);
}

/* --- the process --- */

static int prepare(posix_spawn_file_actions_t *files, posix_spawnattr_t *attr, int out)
{
	sigset_t all, none;
	int err;

	sigfillset(&all);
	sigemptyset(&none);
	err = posix_spawn_file_actions_addopen(files, 0, "/dev/null", O_RDONLY, 0);
	if (!err)
		err = posix_spawn_file_actions_adddup2(files, out, 1);
	if (!err)
		err = posix_spawn_file_actions_adddup2(files, out, 2);
	if (!err)
		err = posix_spawn_file_actions_addclosefrom_np(files, 3);
	if (!err)
		err = posix_spawn_file_actions_addchdir_np(files, "/");
	if (!err)
		err = posix_spawnattr_setsigdefault(attr, &all);
	if (!err)
		err = posix_spawnattr_setsigmask(attr, &none);
	if (!err)
		err = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF |
					       POSIX_SPAWN_SETSIGMASK);
	return err;
}

/* Returns 0 or an errno; the process leads a group of its own. */
static int spawn(struct hook *h, const char *real, char **argv, int out)
{
	posix_spawn_file_actions_t files;
	struct bt_strings env = {};
	posix_spawnattr_t attr;
	int err;

	*bt_array_add(&env) = bt_strdup("PATH=/usr/sbin:/usr/bin:/sbin:/bin");
	*bt_array_add(&env) = bt_strdup("LC_ALL=C");
	*bt_array_add(&env) = bt_asprintf("BOWTIE_LINK=%s", h->link);
	*bt_array_add(&env) = NULL;
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	err = prepare(&files, &attr, out);
	if (!err)
		err = posix_spawn(&h->pid, real, &files, &attr, argv, env.v);
	if (err)
		h->pid = 0;
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	bt_strings_clear(&env);
	return err;
}

static void fail(struct hook *h, const char *why)
{
	bt_err("on_change of %s: %s: %s", h->link, h->path, why);
	h->failures++;
	h->ended = bt_now_ms();
}

static void begin(struct hook *h)
{
	struct bt_strings args = {};
	struct bt_error e = {};
	int pipe_fds[2], err;
	char *real = NULL;

	h->began = bt_now_ms();
	if (!same(&h->told, &h->want))
		h->failures = 0;
	copy(&h->told, &h->want);
	if (bt_conf_program_check(h->path, &real, &e)) {
		fail(h, e.text);
		bt_error_free(&e);
		return;
	}
	if (pipe2(pipe_fds, O_CLOEXEC)) {
		fail(h, strerror(errno));
		free(real);
		return;
	}
	*bt_array_add(&args) = h->path;
	for (size_t i = 0; i < h->told.n; i++)
		*bt_array_add(&args) = h->told.v[i];
	*bt_array_add(&args) = NULL;
	/* Our end only: a program does not expect a full pipe to be an error. */
	fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK);
	/* What was checked, and not what a link points to by now */
	err = spawn(h, real, args.v, pipe_fds[1]);
	free(real);
	free(args.v);
	close(pipe_fds[1]);
	if (err) {
		close(pipe_fds[0]);
		fail(h, strerror(err));
		return;
	}
	bt_debug("on_change of %s: begun", h->link);
	h->killed = false;
	h->lines = 0;
	h->fd = pipe_fds[0];
	h->out = bt_fd_new(h->all->loop, h->fd, BT_FD_READ, read_output, h);
	bt_timer_start(h->timer, h->timeout_ms);
}

/* Returns when it is to be run, or UINT64_MAX. */
static uint64_t next_run(const struct hook *h)
{
	if (!same(&h->want, &h->told))
		return h->began ? h->began + BT_HOOK_PAUSE_MS : 0;
	/* From the end on: one that hangs would otherwise run all the time. */
	return h->failures ? h->ended + bt_hook_retry_ms(h->failures) / h->all->hurry : UINT64_MAX;
}

/* Not at once again: neither what has failed, nor what changes all the time. */
static void follow(struct hook *h)
{
	uint64_t now = bt_now_ms(), then = next_run(h);

	if (h->pid || then == UINT64_MAX)
		return;
	if (now < then) {
		bt_timer_start(h->timer, then - now);
		return;
	}
	begin(h);
	/* Before it was a process: it may be tried again. */
	if (!h->pid)
		bt_timer_start(h->timer, next_run(h) - h->ended);
}

static void on_timer(void *arg)
{
	struct hook *h = arg;

	if (!h->pid) {
		follow(h);
		return;
	}
	h->killed = true;
	kill(-h->pid, SIGKILL);
}

static void ended(struct hook *h, int status)
{
	char *why = NULL;

	h->pid = 0;
	bt_timer_stop(h->timer);
	finish_output(h);
	if (h->killed)
		why = bt_asprintf("killed after %llus",
				  (unsigned long long)h->timeout_ms / 1000);
	else if (WIFSIGNALED(status))
		why = bt_asprintf("ended by signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status))
		why = bt_asprintf("status %d", WEXITSTATUS(status));
	if (why)
		fail(h, why);
	else
		bt_info("on_change of %s: status 0 after %llu ms", h->link,
			(unsigned long long)(bt_now_ms() - h->began));
	if (!why)
		h->failures = 0;
	free(why);
	follow(h);
}

/* Nothing that it leaves behind is to meddle with the next one. Returns true if it is over. */
static bool reap(struct hook *h, int *status)
{
	siginfo_t info = {};

	if (waitid(P_PID, (id_t)h->pid, &info, WEXITED | WNOHANG | WNOWAIT) || !info.si_pid)
		return false;
	/* While its number is still its own */
	kill(-h->pid, SIGKILL);
	return waitpid(h->pid, status, WNOHANG) == h->pid;
}

static void on_child(void *arg)
{
	struct bt_hooks *hooks = arg;
	int status = 0;
	size_t i;

	for (i = 0; i < hooks->n; i++)
		if (hooks->v[i]->pid && reap(hooks->v[i], &status))
			ended(hooks->v[i], status);
	for (i = hooks->dying.n; i--;)
		if (waitpid(hooks->dying.v[i], NULL, WNOHANG))
			hooks->dying.v[i] = hooks->dying.v[--hooks->dying.n];
}

/* --- which there are --- */

/* One that is stuck in the kernel does not end at once: we do not wait for it. */
static void hook_free(struct hook *h)
{
	if (h->pid) {
		kill(-h->pid, SIGKILL);
		*bt_array_add(&h->all->dying) = h->pid;
	}
	close_output(h);
	bt_timer_free(h->timer);
	bt_buf_free(&h->line);
	bt_strings_clear(&h->want);
	bt_strings_clear(&h->told);
	free(h->path);
	free(h->link);
	free(h);
}

static struct hook *find(struct bt_hooks *hooks, const char *link)
{
	size_t i;

	for (i = 0; i < hooks->n; i++)
		if (!strcmp(hooks->v[i]->link, link))
			return hooks->v[i];
	return NULL;
}

static struct hook *make(struct bt_hooks *hooks, const char *link)
{
	struct hook *h = find(hooks, link);

	if (h)
		return h;
	h = bt_alloc(sizeof(*h));
	h->link = bt_strdup(link);
	h->all = hooks;
	h->fd = -1;
	h->timer = bt_timer_new(hooks->loop, on_timer, h);
	*bt_array_add(hooks) = h;
	return h;
}

/*
 * What is not known yet is not down; but what was told once is not true any more without the
 * module or the link.
 */
static struct hook *find_or_make(struct bt_hooks *hooks, const struct bt_facts *facts,
				 const struct bt_conf_link *link)
{
	if (!link->on_change)
		return NULL;
	if (facts->kmod && bt_facts_link_by_name(facts, link->name))
		return make(hooks, link->name);
	return find(hooks, link->name);
}

static bool is_wanted(const struct bt_config *config, const char *name)
{
	const struct bt_conf_link *link = bt_config_link(config, name);

	return link && link->on_change;
}

/**
 * bt_hooks_update() - tell the programs what is new
 * @hooks: hooks
 * @config: configuration
 * @facts: what is observed
 */
void bt_hooks_update(struct bt_hooks *hooks, const struct bt_config *config,
		     const struct bt_facts *facts)
{
	struct hook *h;
	size_t i;

	for (i = hooks->n; i--;) {
		if (is_wanted(config, hooks->v[i]->link))
			continue;
		hook_free(hooks->v[i]);
		hooks->v[i] = hooks->v[--hooks->n];
	}
	for (i = 0; i < config->links.n; i++) {
		const struct bt_conf_link *link = &config->links.v[i];

		h = find_or_make(hooks, facts, link);
		if (!h)
			continue;
		if (!h->path || strcmp(h->path, link->on_change) != 0) {
			free(h->path);
			h->path = bt_strdup(link->on_change);
			bt_strings_clear(&h->told);
		}
		h->timeout_ms = (uint64_t)link->on_change_timeout * 1000;
		bt_strings_clear(&h->want);
		bt_hook_args(facts, link, &h->want);
		follow(h);
	}
}

/**
 * bt_hooks_new() - to run programs of the operator's
 * @loop: event loop
 */
struct bt_hooks *bt_hooks_new(struct bt_loop *loop)
{
	struct bt_hooks *hooks = bt_alloc(sizeof(*hooks));

	hooks->loop = loop;
	hooks->hurry = 1;
	hooks->child = bt_signal_new(loop, SIGCHLD, on_child, hooks);
	return hooks;
}

/**
 * bt_hooks_hurry() - repeat what has failed sooner: for tests
 * @hooks: hooks
 * @times: so many times
 */
void bt_hooks_hurry(struct bt_hooks *hooks, unsigned int times)
{
	hooks->hurry = times;
}

/**
 * bt_hooks_free() - kill those that run, and forget all
 * @hooks: or NULL
 *
 * Those that have not ended yet become init's when we end.
 */
void bt_hooks_free(struct bt_hooks *hooks)
{
	if (!hooks)
		return;
	bt_signal_free(hooks->child);
	while (hooks->n)
		hook_free(hooks->v[--hooks->n]);
	on_child(hooks);
	free(hooks->dying.v);
	free(hooks->v);
	free(hooks);
}
