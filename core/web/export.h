/* Exports: tables as CSV files, made and sent in pieces, a few at a time. */
#ifndef INKAN_WEB_EXPORT_H
#define INKAN_WEB_EXPORT_H

#include "base/csv.h"
#include "web/request.h"

/* At most so many at once in this process: each holds a worker and its connection for as long as the browser takes. */
void exports_start(int64_t max);

struct export {
	const char *name;          /* of the file: NAME-20260401.csv */
	const char *const *titles; /* of the columns, translated */
	size_t columns;
	const char *action, *object, *detail; /* of the row in the audit trail */
	/* Adds the next rows to csv, with csv_row(); none: that was all. Called with an arena that is emptied after each piece. */
	enum status (*rows)(struct request *rq, struct arena *a, void *context, struct text *csv);
	void *context;
};
#define EXPORT_PIECE_MAX ((size_t)16 << 20) /* bytes that rows() may add at a time; more is a broken invariant */
/* Audits it and answers with the file. BUSY, with a sentence: too many are under way; DENIED as request_stream(). */
enum status export_csv(struct request *rq, const struct export *e) MUST_CHECK;

#endif
