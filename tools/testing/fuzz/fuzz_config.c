// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzzes the configuration file. What is refused must say where; what is taken must be
 * good enough for charon's and BIRD's words.
 */
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "daemon/bird_render.h"
#include "daemon/vici_render.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void render(const struct bt_config *config)
{
	struct bt_strings names = {};
	struct bt_vici_msg msg;
	size_t i, j;

	free(bt_bird_render(config, 0));
	bt_bird_names(config, &names);
	while (names.n)
		free(names.v[--names.n]);
	free(names.v);
	for (i = 0; i < config->links.n; i++) {
		for (j = 0; j < config->links.v[i].tunnels.n; j++) {
			msg = (struct bt_vici_msg){};
			bt_vici_render_conn(&config->links.v[i], &config->links.v[i].tunnels.v[j],
					    &msg);
			must(!bt_vici_msg_check(&msg));
			bt_vici_msg_wipe(&msg);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bt_error e = {};
	struct bt_config *config = bt_config_parse("f.yaml", (const char *)data, size, &e);

	if (config)
		render(config);
	else
		must(e.text && !strncmp(e.text, "f.yaml:", 7));
	bt_config_free(config);
	bt_error_free(&e);
	return 0;
}
