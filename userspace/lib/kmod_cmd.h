/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BT_KMOD_CMD_H
#define BT_KMOD_CMD_H

#include "error.h"
#include "model.h"
#include "nl.h"

/* Error code of every request while the module is not there. */
#define BT_ENOMODULE	ENOPKG

/**
 * struct bt_kmod - the way to the module; opened with the first request
 * @genl: socket for the module's own family
 * @family: its number, or 0 while it is not known
 * @rtnl: socket for its network devices
 *
 * Belongs to the network namespace that its first request was made in.
 */
struct bt_kmod {
	struct bt_nl genl;
	int family;
	struct bt_nl rtnl;
};

void bt_kmod_close(struct bt_kmod *k);
int bt_dev_parse(const char *text, struct bt_dev *dev, struct bt_error *e);
int bt_kmod_no_module(struct bt_error *e);

/*
 * "dev" names a device by index, else by name. Where a whole kind is asked for it
 * may be NULL, for all devices of the namespace. All functions return 0 or a negative
 * errno, and leave the reason in "e", which is not NULL here; results are the caller's
 * to free. A dump may end with -EINTR and a result all the same: see bt_kmod_dump().
 */
int bt_kmod_link_get(struct bt_kmod *k, const struct bt_dev *dev, struct bt_link *out,
		     struct bt_error *e);
int bt_kmod_link_dump(struct bt_kmod *k, const struct bt_dev *dev, struct bt_links *out,
		      struct bt_error *e);
int bt_kmod_link_set(struct bt_kmod *k, const struct bt_dev *dev, const struct bt_link *l,
		     struct bt_error *e);

int bt_kmod_tunnel_new(struct bt_kmod *k, const struct bt_dev *dev, const struct bt_tunnel *t,
		       enum bowtie_mode mode, struct bt_error *e);
int bt_kmod_tunnel_set(struct bt_kmod *k, const struct bt_dev *dev, const struct bt_tunnel *t,
		       struct bt_error *e);
int bt_kmod_tunnel_del(struct bt_kmod *k, const struct bt_dev *dev, const struct bt_tunnel *key,
		       struct bt_error *e);
int bt_kmod_tunnel_get(struct bt_kmod *k, const struct bt_dev *dev, const struct bt_tunnel *key,
		       struct bt_tunnel *out, struct bt_error *e);
int bt_kmod_tunnel_dump(struct bt_kmod *k, const struct bt_dev *dev, struct bt_tunnels *out,
			struct bt_error *e);

int bt_kmod_sa_get(struct bt_kmod *k, const struct bt_dev *dev, uint32_t spi, struct bt_sa *out,
		   struct bt_error *e);
int bt_kmod_sa_dump(struct bt_kmod *k, const struct bt_dev *dev, struct bt_sas *out,
		    struct bt_error *e);

#endif /* BT_KMOD_CMD_H */
