/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BT_NAMES_H
#define BT_NAMES_H

/* What marks as bowtied's own what it leaves with others. */
#define BT_PREFIX	"bt_"		/* names in charon and BIRD */
#define BT_RTPROT	183		/* routes: rtm_protocol (0xb7) */
#define BT_RTPROT_LEARNED 184		/* routes: those that hold a prefix that was learned */
#define BT_HOLD_METRIC	0xff000000u	/* routes that hold prefixes; and 24 bits: whose */
#define BT_ADDRPROT	183		/* addresses: IFA_PROTO */
#define BT_LINK_ALIAS	"bowtied"	/* devices: IFLA_IFALIAS */

#endif /* BT_NAMES_H */
