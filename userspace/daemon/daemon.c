// SPDX-License-Identifier: GPL-2.0
/*
 * bowtied: inputs gather facts, reconcile.c compares them with the configuration,
 * apply.c does what is to be done. It may die at any moment and start again at any
 * other: the module forwards without it, and what is right already is left alone.
 */
#include "daemon.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "bird_flags.h"
#include "ctl_sock.h"
#include "log.h"
#include "ready.h"
#include "route_hold.h"
#include "util.h"

/* Changes come in flocks; but failover waits for them. */
#define SETTLE_MS	10
#define RESYNC_MS	1000

static void tell_exhausted(struct bt_steer *s)
{
	size_t i;

	for (i = 0; i < s->groups.n; i++) {
		struct bt_steer_group *g = &s->groups.v[i];

		if (g->exhausted && !g->told)
			bt_warn("BGP: too many failures of %s for the return path to be steered: the far end's hold time decides",
				g->name);
		g->told = g->exhausted;
	}
}

static uint64_t follow_holds(struct bt_daemon *d, uint64_t now)
{
	bool before = d->facts.hold_full;
	uint64_t next = bt_hold_follow(&d->facts, d->config, now);

	if (d->facts.hold_full && !before)
		bt_warn("more than %u learned prefixes by a link: the others are not held",
			BT_HOLD_MAX);
	return next;
}

static void follow_tunnels(struct bt_daemon *d, uint64_t now)
{
	struct bt_strings mute = {};
	size_t i;

	bt_facts_follow_tunnels(&d->facts, now, &mute);
	for (i = 0; i < mute.n; i++)
		bt_warn("tunnel %s: the peer does not answer probes: use another kind of probe, or none",
			mute.v[i]);
	bt_strings_clear(&mute);
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Returns when the next look at BIRD is due. */
static uint64_t follow_bird(struct bt_daemon *d, uint64_t now)
{
	struct bt_bird_hold before = d->facts.hold;
	const struct bt_bird_hold *h = &d->facts.hold;
	uint64_t next = bt_bird_hold(&d->facts, d->config, now);

	if (h->stale && !before.stale)
		bt_warn("BIRD has been gone for %us: its routes do not count any more",
			d->config->bird.restart_time);
	else if (before.keep && !h->keep && h->state == BT_BIRD_HOLD_SETTLED)
		bt_info("BIRD has settled");
	next = sooner(next, bt_bird_steer(&d->facts, d->config, now));
	tell_exhausted(&d->facts.steer);
	return next;
}

static void compare(void *arg)
{
	struct bt_daemon *d = arg;
	uint64_t now = bt_now_ms(), next, bird, hold;
	struct bt_ops ops = {};
	struct bt_error e = {};

	if (bt_kmod_watch_sync(d->kmod_watch, &e) || bt_rtnl_watch_sync(d->rtnl_watch, &e)) {
		bt_err("cannot read the kernel's state: %s", e.text);
		bt_error_free(&e);
		bt_timer_start(d->retry, RESYNC_MS);
		return;
	}
	bt_vici_watch_follow(d->vici);
	follow_tunnels(d, now);
	bird = follow_bird(d, now);
	hold = follow_holds(d, now);
	bt_hooks_update(d->hooks, d->config, &d->facts);
	bt_reconcile(d->config, &d->facts, now, &ops);
	/* What has just been done may make more possible. */
	if (bt_apply(&d->apply, &ops)) {
		bt_daemon_changed(d);
	} else if (!ops.n && !d->ready) {
		bt_ready_up();
		d->ready = true;
	}
	bt_ops_free(&ops);
	next = sooner(sooner(bt_facts_next_try(&d->facts, now), bird), hold);
	if (next != UINT64_MAX)
		bt_timer_start(d->retry, next - now + 1);
}

/**
 * bt_daemon_changed() - something is different: compare soon
 * @arg: daemon
 */
void bt_daemon_changed(void *arg)
{
	struct bt_daemon *d = arg;

	/* Not put off by the next change: a flood of them must not starve us. */
	if (d->soon && !bt_timer_pending(d->soon))
		bt_timer_start(d->soon, SETTLE_MS);
}

/* --- configuration --- */

static void watch_charon(struct bt_daemon *d)
{
	bt_vici_watch_free(d->vici);
	d->facts.vici = false;
	d->vici = bt_vici_watch_new(d->loop, &d->facts, d->config->charon.socket,
				    bt_daemon_changed, d);
	d->apply.vici = d->vici;
}

static void watch_bird(struct bt_daemon *d)
{
	bt_bird_watch_free(d->bird);
	d->facts.bird = false;
	d->bird = bt_bird_watch_new(d->loop, &d->facts, d->config->bird.socket,
				    d->config->bird.include, bt_daemon_changed, d);
	d->apply.bird = d->bird;
}

/**
 * bt_daemon_reload() - read the configuration anew
 * @d: daemon
 * @e: says what is wrong
 *
 * Return: 0, or a negative errno and nothing has changed.
 */
int bt_daemon_reload(struct bt_daemon *d, struct bt_error *e)
{
	struct bt_config *config = bt_config_load(d->path, e), *old = d->config;
	bool charon, bird;

	if (!config) {
		bt_err("%s", e->text);
		return e->code;
	}
	bt_ready_reloading();
	charon = strcmp(config->charon.socket, old->charon.socket) != 0;
	bird = strcmp(config->bird.socket, old->bird.socket) != 0 ||
	       strcmp(config->bird.include, old->bird.include) != 0;
	d->config = config;
	bt_config_free(old);
	bt_log_set_level(d->debug ? BT_LOG_DEBUG : config->daemon.log);
	bt_conf_secrets(config, &d->facts);
	if (charon)
		watch_charon(d);
	if (bird)
		watch_bird(d);
	bt_notice("configuration loaded from %s", d->path);
	d->ready = false;
	bt_daemon_changed(d);
	return 0;
}

static void on_sighup(void *arg)
{
	struct bt_error e = {};

	bt_daemon_reload(arg, &e);
	bt_error_free(&e);
}

static void on_end(void *arg)
{
	struct bt_daemon *d = arg;

	bt_loop_stop(d->loop);
}

/* --- life --- */

static int start(struct bt_daemon *d, struct bt_error *e)
{
	/* Not before we know that no other one is at work. */
	d->ctl = bt_ctl_sock_new(d, d->ctl_path, e);
	if (!d->ctl)
		return e->code;
	if (bt_nl_open(&d->rtnl, NETLINK_ROUTE, e))
		return e->code;
	d->soon = bt_timer_new(d->loop, compare, d);
	d->retry = bt_timer_new(d->loop, compare, d);
	d->sighup = bt_signal_new(d->loop, SIGHUP, on_sighup, d);
	d->sigterm = bt_signal_new(d->loop, SIGTERM, on_end, d);
	d->sigint = bt_signal_new(d->loop, SIGINT, on_end, d);
	d->hooks = bt_hooks_new(d->loop);
	d->kmod_watch = bt_kmod_watch_new(d->loop, &d->facts, &d->config, &d->kmod,
					  bt_daemon_changed,
					  d, e);
	if (!d->kmod_watch)
		return e->code;
	d->rtnl_watch = bt_rtnl_watch_new(d->loop, &d->facts, &d->rtnl, bt_daemon_changed, d, e);
	if (!d->rtnl_watch)
		return e->code;
	d->apply = (struct bt_apply){
		.facts = &d->facts,
		.kmod = &d->kmod,
		.rtnl = &d->rtnl,
		.kmod_watch = d->kmod_watch,
		.changed = bt_daemon_changed,
		.arg = d,
	};
	bt_conf_secrets(d->config, &d->facts);
	watch_charon(d);
	watch_bird(d);
	bt_daemon_changed(d);
	return 0;
}

static void stop(struct bt_daemon *d)
{
	bt_ctl_sock_free(d->ctl);
	bt_vici_watch_free(d->vici);
	bt_bird_watch_free(d->bird);
	bt_rtnl_watch_free(d->rtnl_watch);
	bt_kmod_watch_free(d->kmod_watch);
	bt_hooks_free(d->hooks);
	bt_signal_free(d->sighup);
	bt_signal_free(d->sigterm);
	bt_signal_free(d->sigint);
	bt_timer_free(d->soon);
	bt_timer_free(d->retry);
	bt_nl_close(&d->rtnl);
	bt_kmod_close(&d->kmod);
	bt_facts_free(&d->facts);
	bt_config_free(d->config);
}

static int run(struct bt_daemon *d)
{
	struct bt_timer *watchdog;
	struct bt_error e = {};
	int status = EXIT_SUCCESS;

	d->loop = bt_loop_new();
	watchdog = bt_ready_watchdog(d->loop);
	if (start(d, &e)) {
		bt_err("%s", e.text);
		status = EXIT_FAILURE;
	} else {
		bt_notice("bowtied %s, configuration %s", BOWTIE_VERSION, d->path);
		if (bt_loop_run(d->loop))
			status = EXIT_FAILURE;
		bt_ready_stopping();
	}
	bt_error_free(&e);
	stop(d);
	bt_timer_free(watchdog);
	bt_loop_free(d->loop);
	return status;
}

/* --- command line --- */

static const char usage[] =
	"Usage: bowtied [-d] [-c FILE] [-s SOCKET]\n"
	"       bowtied --check [FILE]\n"
	"\n"
	"  -c, --config FILE   configuration (default " BT_CONFIG_PATH ")\n"
	"  -s, --socket PATH   control socket (default " BT_CTL_PATH ")\n"
	"  -d, --debug         say everything\n"
	"      --check         look at the configuration, say what is wrong, and end\n"
	"  -V, --version\n"
	"  -h, --help\n"
	"\n"
	"Stays in the foreground. SIGHUP reloads; SIGTERM ends it, and leaves everything\n"
	"as it is.\n";

static int check(const char *path)
{
	struct bt_error e = {};
	struct bt_config *config = bt_config_load(path, &e);

	if (!config) {
		fprintf(stderr, "%s\n", e.text);
		bt_error_free(&e);
		return EXIT_FAILURE;
	}
	bt_config_free(config);
	return EXIT_SUCCESS;
}

/**
 * bt_daemon_main() - the program
 * @argc: as of main()
 * @argv: as of main()
 */
int bt_daemon_main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "socket", required_argument, NULL, 's' },
		{ "debug", no_argument, NULL, 'd' },
		{ "check", no_argument, NULL, 'C' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{}
	};
	struct bt_daemon d = { .path = BT_CONFIG_PATH, .ctl_path = BT_CTL_PATH };
	bool only_check = false;
	struct bt_error e = {};
	int c;

	bt_log_init("bowtied", BT_LOG_INFO);
	/* Until it can be handled; the configuration is still to be read anyway. */
	signal(SIGHUP, SIG_IGN);
	while ((c = getopt_long(argc, argv, "c:s:dVh", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			d.path = optarg;
			break;
		case 's':
			d.ctl_path = optarg;
			break;
		case 'd':
			d.debug = true;
			break;
		case 'C':
			only_check = true;
			break;
		case 'V':
			printf("bowtied %s\n", BOWTIE_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		default:
			fputs(usage, stderr);
			return EXIT_FAILURE;
		}
	}
	if (optind < argc - only_check) {
		fputs(usage, stderr);
		return EXIT_FAILURE;
	}
	if (only_check)
		return check(optind < argc ? argv[optind] : d.path);

	/* Secrets pass through: no core may have them. */
	prctl(PR_SET_DUMPABLE, 0);
	d.config = bt_config_load(d.path, &e);
	if (!d.config) {
		bt_err("%s", e.text);
		bt_error_free(&e);
		return EXIT_FAILURE;
	}
	bt_log_set_level(d.debug ? BT_LOG_DEBUG : d.config->daemon.log);
	return run(&d);
}
