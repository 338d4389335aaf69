/* Certificates that were issued without this portal: the only door through which they become applications, and their way to an owner. */
#ifndef INKAN_STORE_APPLICATION_IMPORT_H
#define INKAN_STORE_APPLICATION_IMPORT_H

#include "store/application.h"

/* Rows of one call: a transaction that a Galera cluster takes, and a parameter far below max_allowed_packet. */
#define IMPORT_ROWS_MAX 2000

struct imported {
	enum application_state state; /* PIN (to be downloaded), TAKEN or REVOKED */
	const char *type;	      /* plugin's name */
	const char *profile, *subject, *mail;
	const char *upstream_id; /* NULL: not known */
	const char *serial;      /* as struct event's; NULL while it is to be downloaded */
	int months;
	uint64_t user_id; /* 0: waits for the user who logs in with its mail address */
	bool live_by_mail; /* see certificate_types_by_mail() */
	when applied_at, download_until, not_before, not_after, revoked_at;
	/* Set by application_import(): */
	uint64_t id;
	bool made; /* false: id was there before, by this key, serial or id of the upstream */
};

/* What an imported row is known by, ever after: upstream and serial, else the upstream's own id, else the whole subject. */
struct bytes application_import_key(struct arena *a, const char *upstream, const char *serial, const char *upstream_id,
	const char *subject);
/* Makes the applications of one upstream with their history, draws the owners' numbers in the order of applied_at, in one transaction or in the caller's.
 * No mail and no job follows. Those that are there already are left as they are: harmless when repeated. detail: for the history, English, no
 * secret. */
enum status application_import(struct db *db, struct arena *a, const char *upstream, struct imported *rows, size_t n, const char *detail) MUST_CHECK;

/* An imported certificate that renewed another one, by its serial number: linked when both are of one owner (or wait under one address). */
struct import_link {
	uint64_t id;
	const char *old_serial;
};
enum status application_import_link(struct db *db, struct arena *a, const struct import_link *links, size_t n) MUST_CHECK;

#endif
