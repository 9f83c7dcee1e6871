/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BT_DAEMON_H
#define BT_DAEMON_H

#include "apply.h"
#include "config.h"
#include "ctl_client.h"
#include "facts.h"
#include "hook.h"
#include "loop.h"
#include "rtnl_watch.h"

struct bt_ctl_sock;

/**
 * struct bt_daemon - bowtied
 * @loop: event loop
 * @path: configuration file
 * @ctl_path: control socket
 * @config: as it is to be
 * @facts: as it is
 * @kmod: requests to the module
 * @rtnl: requests to rtnetlink
 * @kmod_watch: inputs; each writes into @facts
 * @rtnl_watch: likewise
 * @vici: likewise
 * @bird: likewise
 * @apply: output
 * @hooks: likewise: programs of the operator's
 * @soon: to compare the two
 * @retry: likewise, when something that failed may be tried again
 * @sighup: reload
 * @sigterm: end
 * @sigint: end
 * @ctl: control socket
 * @debug: say everything, whatever the configuration says
 * @ready: systemd has been told
 */
struct bt_daemon {
	struct bt_loop *loop;
	const char *path;
	const char *ctl_path;
	struct bt_config *config;
	struct bt_facts facts;
	struct bt_kmod kmod;
	struct bt_nl rtnl;
	struct bt_kmod_watch *kmod_watch;
	struct bt_rtnl_watch *rtnl_watch;
	struct bt_vici_watch *vici;
	struct bt_bird_watch *bird;
	struct bt_apply apply;
	struct bt_hooks *hooks;
	struct bt_timer *soon;
	struct bt_timer *retry;
	struct bt_signal *sighup;
	struct bt_signal *sigterm;
	struct bt_signal *sigint;
	struct bt_ctl_sock *ctl;
	bool debug;
	bool ready;
};

int bt_daemon_main(int argc, char **argv);

/* daemon.c */
void bt_daemon_changed(void *arg);
int bt_daemon_reload(struct bt_daemon *d, struct bt_error *e);

/* conf.c */
void bt_conf_secrets(const struct bt_config *config, struct bt_facts *facts);

#endif /* BT_DAEMON_H */
