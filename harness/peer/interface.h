/* SPDX-License-Identifier: Apache-2.0 */
/* A real interface on its way into a namespace and back. Internal to peer/. */
#pragma once
#include <stdbool.h>
#include "peer/rtnl.h"

struct sys;

struct moved_interface {
	struct rtnl_link was; /* in our namespace, before */
	bool moved;
};

/*
 * May it be moved, and would it come back as it was? 0, or the reason: -ENODEV; -EINVAL for a
 * virtual one, which the kernel deletes with its namespace instead of giving it back; -EBUSY when
 * it is up, or carries a configuration that does not survive the move (address, route, master,
 * upper interface, queueing discipline, XDP program, settings below /proc/sys/net/ipv?/conf).
 */
int interface_check(struct sys *s, struct mnl_socket *nl, const char *name, struct rtnl_link *link,
		    struct diag *d);
/* `nl`: a socket in our namespace. Fills *m. */
int interface_move(struct mnl_socket *nl, const struct rtnl_link *link, int netns_fd,
		   struct moved_interface *m, struct diag *d);
/*
 * Back to `home_fd` under its old name, down. `inside`: a socket in the namespace where it is;
 * `home`: one in ours. Does nothing when it was not moved. -EUCLEAN with what did not come back.
 */
int interface_put_back(struct mnl_socket *inside, struct mnl_socket *home, int home_fd,
		       struct moved_interface *m, struct diag *d);
