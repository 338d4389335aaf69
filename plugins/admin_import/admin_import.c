/* The plugin admin_import: bulk import of certificates that the upstream knows. */
#include "plugin.h"

INKAN_PLUGIN = {
	.abi = INKAN_ABI,
	.name = "admin_import",
};
