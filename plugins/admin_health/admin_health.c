/* The plugin admin_health: the state of upstreams, mail, jobs and keys on one page. */
#include "plugin.h"

INKAN_PLUGIN = {
	.abi = INKAN_ABI,
	.name = "admin_health",
};
