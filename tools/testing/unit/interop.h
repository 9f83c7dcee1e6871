/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Real programs for the interop tests: this process moves to a network and a mount
 * namespace of its own ("near", 192.0.2.1), and holds open a second pair ("far",
 * 192.0.2.2, joined by a veth), so that each can have its own charon or BIRD with its own
 * /run. Nothing that is started survives this process, and nothing touches the machine.
 *
 * To be included once, after cmocka.h.
 */
#ifndef BT_INTEROP_H
#define BT_INTEROP_H

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/loop.h"
#include "log.h"
#include "util.h"

#define INTEROP_DEADLINE_MS	30000

static struct lab {
	char dir[32];
	pid_t holder;		/* sits in the far namespaces */
	struct bt_loop *loop;
	struct bt_timer *deadline;
	bool late;
} lab;

static inline void lab_on_deadline(void *arg)
{
	lab.late = true;
	bt_loop_stop(lab.loop);
}

/* Runs the loop until @cond; each callback that may change it calls bt_loop_stop(). */
#define WAIT(cond) do {							\
	bt_timer_start(lab.deadline, INTEROP_DEADLINE_MS);		\
	while (!(cond) && !lab.late)					\
		assert_int_equal(bt_loop_run(lab.loop), 0);		\
	bt_timer_stop(lab.deadline);					\
	if (lab.late)							\
		fail_msg("in vain waited for: %s", #cond);		\
} while (0)

/* Its own /run, which a program cannot tell from the real one. */
static inline int lab_separate(void)
{
	if (unshare(CLONE_NEWNET | CLONE_NEWNS))
		return -errno;
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", "/run", "tmpfs", 0, NULL))
		return -errno;
	return 0;
}

static inline void lab_die_with_parent(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* Returns 0 once the far namespaces exist. */
static inline int lab_hold_far(void)
{
	int fds[2];
	char byte;
	ssize_t n;

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	lab.holder = fork();
	if (!lab.holder) {
		lab_die_with_parent();
		if (lab_separate() || write(fds[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(fds[1]);
	n = read(fds[0], &byte, 1);
	close(fds[0]);
	return n == 1 ? 0 : -EPERM;
}

static inline void lab_join_far(void)
{
	static const char *const names[] = { "mnt", "net" };
	int fds[BT_ARRAY_SIZE(names)];
	size_t i;

	/* Both before joining: /proc is another one's then */
	for (i = 0; i < BT_ARRAY_SIZE(names); i++) {
		char *path = bt_asprintf("/proc/%d/ns/%s", lab.holder, names[i]);

		fds[i] = open(path, O_RDONLY | O_CLOEXEC);
		free(path);
	}
	for (i = 0; i < BT_ARRAY_SIZE(names); i++)
		if (setns(fds[i], 0))
			_exit(126);
}

/* Starts a program; what it prints goes to a file of its name in lab.dir. */
static inline pid_t lab_spawn(bool far, const char *env, const char *const argv[])
{
	char *log = bt_asprintf("%s/%s.out", lab.dir, strrchr(argv[0], '/') + 1);
	pid_t pid = fork();
	int fd;

	assert_true(pid >= 0);
	if (pid) {
		free(log);
		return pid;
	}
	lab_die_with_parent();
	fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	dup2(fd, 1);
	dup2(fd, 2);
	if (far)
		lab_join_far();
	if (env)
		putenv((char *)(uintptr_t)env);
	execv(argv[0], (char **)(uintptr_t)argv);
	_exit(127);
}

static inline void lab_kill(pid_t *pid, int signo)
{
	if (*pid <= 0)
		return;
	kill(*pid, signo);
	assert_int_equal(waitpid(*pid, NULL, 0), *pid);
	*pid = 0;
}

static inline void lab_run(bool far, const char *command)
{
	const char *const argv[] = { "/bin/sh", "-ec", command, NULL };
	pid_t pid = lab_spawn(far, NULL, argv);
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (status)
		fail_msg("failed: %s", command);
}

static inline char *lab_write(const char *name, const char *text)
{
	char *path = bt_asprintf("%s/%s", lab.dir, name);

	assert_int_equal(bt_write_file(path, text, strlen(text), 0600), 0);
	return path;
}

/* Does a file hold a text? One that cannot be read is a failure. */
static inline bool lab_file_has(const char *path, const char *text)
{
	struct bt_buf content = {};
	bool has;

	assert_int_equal(bt_read_file(path, 64 << 20, &content), 0);
	has = memmem(content.data, content.len, text, strlen(text));
	bt_buf_free(&content);
	return has;
}

/* Why this cannot be run here, or NULL. @programs ends with NULL. */
static inline const char *lab_cannot(const char *const programs[])
{
	size_t i;

	if (geteuid())
		return "needs root, for namespaces";
	for (i = 0; programs[i]; i++)
		if (access(programs[i], X_OK))
			return bt_asprintf("%s is not installed", programs[i]);
	if (lab_separate() || lab_hold_far())
		return "this machine allows no namespaces";
	return NULL;
}

static inline void lab_start(void)
{
	char *command;

	strcpy(lab.dir, "/tmp/bt-interop.XXXXXX");
	assert_non_null(mkdtemp(lab.dir));
	lab.loop = bt_loop_new();
	lab.deadline = bt_timer_new(lab.loop, lab_on_deadline, NULL);
	command = bt_asprintf("ip link add eth0 type veth peer name eth0 netns %d", lab.holder);
	lab_run(false, command);
	free(command);
	lab_run(false, "ip link set lo up; ip addr add 192.0.2.1/24 dev eth0; ip link set eth0 up");
	lab_run(true, "ip link set lo up; ip addr add 192.0.2.2/24 dev eth0; ip link set eth0 up");
}

static inline void lab_stop(void)
{
	char *command;

	bt_timer_free(lab.deadline);
	bt_loop_free(lab.loop);
	lab_kill(&lab.holder, SIGKILL);
	command = bt_asprintf("rm -r %s", lab.dir);
	assert_int_equal(system(command), 0);
	free(command);
}

#endif /* BT_INTEROP_H */
