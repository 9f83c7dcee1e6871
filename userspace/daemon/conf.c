// SPDX-License-Identifier: GPL-2.0
/* The configuration as an input: which files are behind the paths of its secrets. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon.h"
#include "util.h"

/* Another one if the file is written anew or replaced; nothing of what is in it. */
static char *identity(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return bt_asprintf("%s: %s", path, strerror(errno));
	return bt_asprintf("%s %llu:%llu %lld %lld.%09ld", path, (unsigned long long)st.st_dev,
			   (unsigned long long)st.st_ino, (long long)st.st_size,
			   (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

static void note(struct bt_facts *facts, const char *path)
{
	char *is = identity(path);

	bt_facts_loaded(&facts->secrets, path, is, strlen(is));
	free(is);
}

/**
 * bt_conf_secrets() - look at the files with secrets
 * @config: names them
 * @facts: gets to know which they are
 *
 * To be called when a configuration is loaded: a secret that has been replaced is
 * loaded anew then.
 */
void bt_conf_secrets(const struct bt_config *config, struct bt_facts *facts)
{
	size_t i, j;

	for (i = 0; i < config->links.n; i++)
		for (j = 0; j < config->links.v[i].tunnels.n; j++)
			if (config->links.v[i].tunnels.v[j].ike.psk_file)
				note(facts, config->links.v[i].tunnels.v[j].ike.psk_file);
}
