/* What the files of the bulk import share. */
#ifndef ADMIN_IMPORT_IMPORT_H
#define ADMIN_IMPORT_IMPORT_H

#include "plugin.h"

#define IMPORT_NAME "admin_import"
#define IMPORT_PART_JOB IMPORT_NAME ".part"
#define IMPORT_FETCH_JOB IMPORT_NAME ".fetch"
#define CLEAR_ROWS 5000 /* that are forgotten in one transaction */

struct import_settings {
	const char *upstream; /* of uploaded files */
	const char *type;     /* of profiles that no type lists */
	const char *serials;  /* "auto", "decimal", "hexadecimal" */
	int64_t upload_max;   /* bytes */
	int64_t parallel;     /* parts */
	int64_t keep;	      /* ms */
	int64_t owner_seen;   /* ms */
};
extern struct import_settings import_settings;

/* The classes of the manual, and what is merely under way. */
enum import_class { CLASS_WAITING, CLASS_ISSUED, CLASS_RENEWED, CLASS_REVOKED, CLASS_ERROR, CLASS_PROGRESS, CLASS_COUNT };
const char *import_class_name(enum import_class c); /* "waiting", as in the database and in addresses */
bool import_class_parse(const char *name, enum import_class *ret);
const char *import_class_label(enum import_class c); /* msgid */
bool import_class_can(enum import_class c);	     /* may be imported */
/* The bit of a ticked cell. */
static inline unsigned import_cell(enum import_class c, bool known)
{
	return 1u << (2 * (unsigned)c + known);
}

/* A row as it came, without its PIN. Texts are "" when not known, times 0. */
struct item {
	unsigned row_no;
	enum import_class class;
	const char *reason; /* of CLASS_ERROR: a code, see error_text(); "": none */
	const char *detail; /* which column or which code; never the content of a cell */
	const char *subject, *mail, *upstream_id, *type, *profile;
	const char *serial, *old_serial; /* NULL: none */
	int months;
	when requested_at, not_before, not_after, url_until, revoked_at;
	struct bytes key; /* application_import_key(), set by batch_add(); data NULL: there is none */
};
/* What a code of a row's error, plan or result means: msgids. */
const char *error_text(const char *reason);
const char *plan_text(const char *plan, const char *why);

/* item.c: items on their way to the staged rows of a run. */
struct run; /* admin_import_store.h */
struct batch;
struct batch *batch_new(struct arena *a, struct db *db, struct run *run);
/* Completes the item (type and months from the profile, what makes it unfit to import), counts it in the run, and stores it with those
 * before it when there are enough. A failure is kept and returned by batch_end(). */
void batch_add(struct batch *b, struct item *item);
/* What was counted is in the run from here on. CONFLICT: the run was ended, or taken over, meanwhile. Who leaves without it writes no more. */
enum status batch_end(struct batch *b) MUST_CHECK;

/* table.c: the uploaded file. */
enum table_fault { TABLE_FINE, TABLE_UTF16, TABLE_BINARY, TABLE_NO_ROWS, TABLE_NO_COLUMNS, TABLE_TOO_MANY };
/* The headings that columns are found by, the required ones first; NULL: no more. */
const char *table_heading(size_t i);
/* Calls emit for each row, in order; text lives until the next call only. */
enum table_fault table_read(struct bytes file, void (*emit)(struct item *item, void *context), void *context);

/* value.c: what stands in cells. False: it cannot be read. "" gives NULL or 0. */
bool value_serial(struct arena *a, const char *text, const char *base, const char **ret);
bool value_time(const char *text, when *ret); /* without zone: Japan's */
const char *value_subject(struct arena *a, const char *text); /* without blanks between its attributes */
enum import_class value_state(const char *text, const char **ret_reason);

/* step.c: the run's work in its present phase, as parts and their jobs; in the transaction that begins the phase. */
enum status work_begin(struct db *db, struct arena *a, const struct run *run) MUST_CHECK;
enum status step_job(const struct job_run *run);
enum status step_gave_up(const struct job_run *run, const char *why);
enum status sweep_job(const struct job_run *run);
/* intake.c */
enum status fetch_job(const struct job_run *run);
enum status fetch_gave_up(const struct job_run *run, const char *why);
enum status intake_page(struct request *rq);
enum status intake_fetch(struct request *rq);
enum status intake_upload(struct request *rq);
/* run_page.c */
enum status run_page(struct request *rq);
enum status run_news(struct request *rq);
/* rows_page.c */
enum status rows_page(struct request *rq);
enum status rows_errors(struct request *rq);
/* decide.c */
enum status decide_ask(struct request *rq);
enum status decide_register(struct request *rq);
bool run_discardable(const struct run *run);
enum status decide_discard_ask(struct request *rq);
enum status decide_discard(struct request *rq);

/* run_page.c: the run of the request's path. MISSING. */
enum status run_find(struct request *rq, struct run *ret) MUST_CHECK;
/* The way to a run's page: "/admin_import/7". */
const char *import_path(struct arena *a, uint64_t run);

#endif
