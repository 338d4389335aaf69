/* The plugin admin_users: what administrators see of users and certificates, and do for them. */
#include "plugin.h"

INKAN_PLUGIN = {
	.abi = INKAN_ABI,
	.name = "admin_users",
};
