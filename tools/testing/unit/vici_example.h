/* SPDX-License-Identifier: GPL-2.0 */
/* A vici message for the tests. To be included once, after cmocka.h. */
#ifndef BT_VICI_EXAMPLE_H
#define BT_VICI_EXAMPLE_H

#include <stdlib.h>

#include "daemon/vici_tree.h"

/* The example of strongSwan's README */
static const uint8_t example[] = {
	/* key1 = value1 */
	3, 4, 'k', 'e', 'y', '1', 0, 6, 'v', 'a', 'l', 'u', 'e', '1',
	/* section1 */
	1, 8, 's', 'e', 'c', 't', 'i', 'o', 'n', '1',
	/* sub-section */
	1, 11, 's', 'u', 'b', '-', 's', 'e', 'c', 't', 'i', 'o', 'n',
	/* key2 = value2 */
	3, 4, 'k', 'e', 'y', '2', 0, 6, 'v', 'a', 'l', 'u', 'e', '2',
	/* sub-section end */
	2,
	/* list1 */
	4, 5, 'l', 'i', 's', 't', '1',
	/* item1 */
	5, 0, 5, 'i', 't', 'e', 'm', '1',
	/* item2 */
	5, 0, 5, 'i', 't', 'e', 'm', '2',
	/* list1 end */
	6,
	/* section1 end */
	2,
};

static inline int parse(const void *data, size_t len)
{
	struct bt_vici_node *root;
	/* A copy of exactly this size: the sanitizer sees a read behind its end */
	void *copy = bt_memdup(data, len);
	int err = bt_vici_tree_parse(copy, len, &root);

	assert_int_equal(!root, !!err);
	bt_vici_tree_free(root);
	free(copy);
	return err;
}

#endif /* BT_VICI_EXAMPLE_H */
