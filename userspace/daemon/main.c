// SPDX-License-Identifier: GPL-2.0
#include "daemon.h"

int main(int argc, char **argv)
{
	return bt_daemon_main(argc, argv);
}
