// SPDX-License-Identifier: GPL-2.0
/* Fuzzes the reading of rtnetlink: a message from its length on, in memory of that size. */
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/rtnl_parse.h"
#include "util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bt_fact_route route;
	struct bt_fact_addr addr;
	struct nlmsghdr *nlh;
	bool ours;
	int ifindex;

	if (size < sizeof(*nlh))
		return 0;
	nlh = bt_alloc(size);
	memcpy(nlh, data, size);
	nlh->nlmsg_len = (uint32_t)size;
	if (bt_rtnl_parse_route(nlh, &route))
		free(route.hops.v);
	bt_rtnl_parse_addr(nlh, &ifindex, &addr);
	bt_rtnl_parse_alias(nlh, &ifindex, &ours);
	free(nlh);
	return 0;
}
