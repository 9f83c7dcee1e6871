// SPDX-License-Identifier: GPL-2.0
/* What systemd is told: ready, reloading, stopping, alive. Nothing without it. */
#include "ready.h"

#include <stdint.h>
#include <systemd/sd-daemon.h>

#include "util.h"

/**
 * bt_ready_up() - the configuration is in force, as far as it depends on us
 */
void bt_ready_up(void)
{
	sd_notify(0, "READY=1\nSTATUS=in force");
}

/**
 * bt_ready_reloading() - a new configuration is being put in force
 */
void bt_ready_reloading(void)
{
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu",
		   (unsigned long long)(bt_now_ns() / 1000));
}

/**
 * bt_ready_stopping() - the end; what has been set up stays
 */
void bt_ready_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}

static void on_timer(void *arg)
{
	sd_notify(0, "WATCHDOG=1");
}

/**
 * bt_ready_watchdog() - keep systemd's watchdog quiet while the loop turns
 * @loop: event loop
 *
 * Return: a timer for the caller to free, or NULL if there is no watchdog.
 */
struct bt_timer *bt_ready_watchdog(struct bt_loop *loop)
{
	struct bt_timer *timer;
	uint64_t us;

	if (sd_watchdog_enabled(0, &us) <= 0)
		return NULL;
	timer = bt_timer_new(loop, on_timer, NULL);
	bt_timer_start_periodic(timer, us / 3000);
	return timer;
}
