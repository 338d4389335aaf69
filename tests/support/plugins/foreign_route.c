/* A plugin that puts a route outside its own name. */
#include "plugin.h"

static enum status page(struct request *rq)
{
	return request_redirect(rq, "/");
}

static const struct route routes[] = {{"GET", "/client/steal", ACCESS_ANYONE, page}, {0}};

INKAN_PLUGIN = {.abi = INKAN_ABI, .name = "foreign_route", .routes = routes};
