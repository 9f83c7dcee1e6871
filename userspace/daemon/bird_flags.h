/* SPDX-License-Identifier: GPL-2.0 */
/* PURE: what BIRD is steered by; see bird_flags.c. */
#ifndef BT_BIRD_FLAGS_H
#define BT_BIRD_FLAGS_H

#include "config.h"
#include "steer.h"

/* Protocols of bird_flags.c, by what their names begin with */
#define BT_BIRD_DEAD	"bt_dead_"
#define BT_BIRD_BOOST	"bt_boost_"
#define BT_BIRD_STEP	"bt_step_"

/* How many steps there are, and what they do to an announcement */
#define BT_BIRD_MED		100
#define BT_BIRD_MED_STEP	10
#define BT_BIRD_MED_STEPS	9
#define BT_BIRD_PREPENDS	3

enum bt_bird_flag_kind {
	BT_BIRD_FLAG_STEP,
	BT_BIRD_FLAG_BOOST,
	BT_BIRD_FLAG_DEAD,
};

/**
 * struct bt_bird_flag - a flag
 * @name: of its protocol, which is up while the flag is on
 * @define: constant of the vars file by which the protocol is disabled
 * @kind: what it means
 * @link: whose it is
 * @byte: end of its prefix in the flags' table
 * @number: of its route there: AS number, or if_id of a tunnel
 * @on: wanted
 * @sessions: whose routes depend on it
 */
struct bt_bird_flag {
	char *name;
	char *define;
	enum bt_bird_flag_kind kind;
	const struct bt_conf_link *link;
	unsigned int byte;
	uint32_t number;
	bool on;
	struct bt_strings sessions;
};

struct bt_bird_flags {
	struct bt_bird_flag *v;
	size_t n;
};

void bt_bird_flags(const struct bt_config *config, const struct bt_steer *steer,
		   struct bt_bird_flags *out);
void bt_bird_flags_free(struct bt_bird_flags *flags);
bool bt_bird_is_flag(const char *name);

char *bt_bird_vars(const struct bt_bird_flags *flags, const char *keep);
bool bt_bird_vars_get(const char *text, const char *define, bool *value);
char *bt_bird_vars_path(const char *include);

/* Names, for all who need them */
void bt_bird_put_name(struct bt_buf *b, const char *name);
const struct bt_conf_inside *bt_bird_session(const struct bt_conf_tunnel *t, int af);
void bt_bird_put_session(struct bt_buf *b, const struct bt_conf_link *link,
			 const struct bt_conf_tunnel *t, int af);
char *bt_bird_tunnel(const struct bt_conf_link *link, const struct bt_conf_tunnel *t);
char *bt_bird_group(const struct bt_conf_link *link, const struct bt_conf_tunnel *t);
unsigned int bt_bird_steps(const struct bt_conf_tunnel *t);

/* bird_steer.c */
struct bt_facts;
uint64_t bt_bird_steer(struct bt_facts *facts, const struct bt_config *config, uint64_t now);

#endif /* BT_BIRD_FLAGS_H */
