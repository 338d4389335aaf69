/* The plugin admin_import: bulk import of certificates that the upstream knows, from its list or from a file. */
#include "import.h"

#define STEP_LEASE (20 * SECOND) /* what a killed server's work waits until another goes on; a step takes a second */

struct import_settings import_settings;
static const char *const bases[] = {"auto", "decimal", "hexadecimal", NULL};
#define AT(member) offsetof(struct import_settings, member)

static const struct setting settings[] = {
	{"upstream", SETTING_STRING, AT(upstream), "upstream_local",
		.help = "The plugin whose certificates an uploaded file lists: they are revoked and renewed there."},
	{"type", SETTING_STRING, AT(type), "client", .help = "Certificate type of profiles that no enabled type lists."},
	{"serials", SETTING_CHOICE, AT(serials), "auto", .choices = bases,
		.help = "How files write serial numbers; auto: digits alone are decimal, anything else is hexadecimal."},
	{"upload_max", SETTING_INTEGER, AT(upload_max), "67108864", 1 << 16, 1 << 30,
		.help = "Bytes of an uploaded file; so much memory is taken while one is read, and one is read at a time. 100,000 rows have about 40 MB. nginx limits it too (nginx/render UPLOAD_MAX)."},
	{"owner_seen", SETTING_DURATION, AT(owner_seen), "400d", 1 * DAY, 3650 * DAY,
		.help = "A certificate is given at once to the user with its mail address only if he logged in so recently: an older address may be another person's by now. Others get theirs at their next log-in."},
	{"parallel", SETTING_INTEGER, AT(parallel), "2", 1, 8,
		.help = "Parts of an import that are worked on at the same time, each in a thread for jobs of any process; as many as the database has cores to spare, and fewer than the processes have such threads (job_threads of inkan.conf), or revocations wait."},
	{"keep", SETTING_DURATION, AT(keep), "7d", 1 * HOUR, 90 * DAY,
		.help = "How long fetched rows are kept that nobody decides on, and those of a finished import with its error list."},
	{0},
};

static const struct {
	const char *name, *label;
} classes[CLASS_COUNT] = {
	[CLASS_WAITING] = {"waiting", N_("Waiting for download")},
	[CLASS_ISSUED] = {"issued", N_("Issued")},
	[CLASS_RENEWED] = {"renewed", N_("Renewed")},
	[CLASS_REVOKED] = {"revoked", N_("Revoked")},
	[CLASS_ERROR] = {"error", N_("Error")},
	[CLASS_PROGRESS] = {"progress", N_("In progress")},
};

const char *import_class_name(enum import_class c)
{
	return classes[c].name;
}

const char *import_class_label(enum import_class c)
{
	return classes[c].label;
}

bool import_class_parse(const char *name, enum import_class *ret)
{
	for (unsigned i = 0; i < CLASS_COUNT; i++) {
		if (text_same(name, classes[i].name)) {
			*ret = (enum import_class)i;
			return true;
		}
	}
	return false;
}

bool import_class_can(enum import_class c)
{
	return c < CLASS_ERROR;
}

const char *import_path(struct arena *a, uint64_t run)
{
	return arena_printf(a, "/" IMPORT_NAME "/%llu", (unsigned long long)run);
}

/* The upload's body_max is a setting. */
static struct route routes[] = {
	{"POST", "/admin_import/upload", ACCESS_ADMIN, intake_upload, .right = RIGHT_CHANGE, .upload = true},
	{"GET", "/admin_import", ACCESS_ADMIN, intake_page, .right = RIGHT_CHANGE},
	{"POST", "/admin_import/fetch", ACCESS_ADMIN, intake_fetch, .right = RIGHT_CHANGE},
	{"GET", "/admin_import/:run", ACCESS_ADMIN, run_page, .right = RIGHT_CHANGE},
	{"GET", "/admin_import/:run/news", ACCESS_ADMIN, run_news, .right = RIGHT_CHANGE, .quiet = true},
	{"GET", "/admin_import/:run/rows/:class", ACCESS_ADMIN, rows_page, .right = RIGHT_CHANGE},
	{"GET", "/admin_import/:run/errors", ACCESS_ADMIN, rows_errors, .right = RIGHT_CHANGE},
	{"GET", "/admin_import/:run/confirm", ACCESS_ADMIN, decide_ask, .right = RIGHT_CHANGE},
	{"POST", "/admin_import/:run/register", ACCESS_ADMIN, decide_register, .right = RIGHT_CHANGE},
	{"GET", "/admin_import/:run/discard", ACCESS_ADMIN, decide_discard_ask, .right = RIGHT_CHANGE},
	{"POST", "/admin_import/:run/discard", ACCESS_ADMIN, decide_discard, .right = RIGHT_CHANGE},
	{0},
};
/* The form around the file. */
#define FORM_BYTES 65536

static const struct menu_entry menu[] = {
	{N_("Bulk import"), "/admin_import", ACCESS_ADMIN, RIGHT_CHANGE},
	{0},
};

static const struct job_kind jobs[] = {
	{IMPORT_FETCH_JOB, LANE_WAIT, fetch_job, fetch_gave_up, .attempts = 3, .lease = 10 * MINUTE},
	{IMPORT_PART_JOB, LANE_WAIT, step_job, step_gave_up, .lease = STEP_LEASE},
	{IMPORT_NAME ".sweep", LANE_WAIT, sweep_job, .every = 1 * MINUTE},
	{0},
};

static enum status start(struct arena *a, struct db *db)
{
	routes[0].body_max = import_settings.upload_max + FORM_BYTES;
	return STATUS_OK;
}

INKAN_PLUGIN = {
	.abi = INKAN_ABI,
	.name = IMPORT_NAME,
	.settings = settings,
	.settings_into = &import_settings,
	.routes = routes,
	.menu = menu,
	.jobs = jobs,
	.start = start,
};
