/* Looking for applications among all of them: what administrators do. */
#ifndef INKAN_STORE_APPLICATION_FIND_H
#define INKAN_STORE_APPLICATION_FIND_H

#include "store/application.h"
#include "store/user_find.h" /* COUNT_MAX */

/* A choice of 申請状況: all applications whose label (application_phase_label) is this one. */
struct status_choice {
	const char *name;  /* as it stands in addresses */
	const char *label; /* msgid of domain "core" */
};
extern const struct status_choice status_choices[];
extern const size_t status_choices_n;

struct application_wish {
	const char *serial;	 /* in hexadecimal or decimal, with colons or blanks or without; "": any */
	const char *upstream_id; /* exactly; "": any */
	const char *cn;		 /* how the CN begins, in any case and width; "": any */
	int status;		 /* index of status_choices; -1: any */
	int certificate;	 /* enum certificate_state; -1: any */
	when applied_from, applied_until; /* from, and before until; 0: open */
	when expires_from, expires_until;
};

/* In which order the found ones come. */
enum found_order { FOUND_NEWEST, FOUND_CN, FOUND_APPLIED, FOUND_EXPIRY, FOUND_ENDED, FOUND_ORDER_COUNT };
/* A place in that order: behind the row with this id and key. */
struct found_place {
	enum found_order order;
	uint64_t id;	 /* 0: the beginning */
	int64_t time;	 /* key of an order by time */
	const char *text; /* key of FOUND_CN */
};

struct found {
	struct application *apps;
	size_t n;
	enum found_order order;
	/* How many there are in all: COUNT_MAX + 1 is more than that; when it would take too long to know, counted is false. */
	unsigned count;
	bool counted;
	bool more;		 /* next leads on, perhaps to nothing: a page may be short, because a search looks at FIND_STEP rows and no more */
	struct found_place next;
};
/* Rows that one page reads where the index alone does not tell: what keeps any search in time, however seldom its conditions meet (each
 * may lie on a page of its own, about 8 us). */
#define FIND_STEP 4000
/* At most limit (FIND_MAX). place->id 0: from the beginning, in the order that suits the search. INVALID: no serial number. */
#define FIND_MAX 20
enum status application_find_all(struct db *db, struct arena *a, const struct application_wish *wish, const struct found_place *place,
	unsigned limit, when now, struct found *ret) MUST_CHECK;

/* What the upstream calls the application; NULL: nothing. */
enum status application_upstream_id(struct db *db, struct arena *a, uint64_t id, const char **ret) MUST_CHECK;

#endif
