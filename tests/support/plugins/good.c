/* The positive control: a plugin with a route, a job, settings, start and stop. */
#include "plugin.h"

struct good_settings {
	int64_t number;
};
static struct good_settings good;

static const struct setting settings[] = {
	{"number", SETTING_INTEGER, offsetof(struct good_settings, number), "7", 1, 9, .help = "A number."},
	{0},
};

static enum status page(struct request *rq)
{
	return request_send(rq, "text/plain", NULL, bytes_string(arena_printf(rq->arena, "%d", (int)good.number)));
}

static enum status job(const struct job_run *run)
{
	return STATUS_OK;
}

static const struct route routes[] = {{"GET", "/good", ACCESS_ANYONE, page}, {0}};
static const struct job_kind jobs[] = {{.name = "good.job", .run = job}, {0}};

INKAN_PLUGIN = {.abi = INKAN_ABI, .name = "good", .settings = settings, .settings_into = &good, .routes = routes, .jobs = jobs};
