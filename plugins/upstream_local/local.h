/* What the parts of the embedded CA share: settings, the issuer at hand, and the orders' rules. */
#ifndef UPSTREAM_LOCAL_LOCAL_H
#define UPSTREAM_LOCAL_LOCAL_H

#include "ca.h"
#include "plugin.h"
#include "upstream_local_store.h"

#define LOCAL_NAME "upstream_local"
#define LOCAL_KEY_JOB LOCAL_NAME ".key"

/* What a type's certificates are good for: section profile "TYPE" { ... }. */
struct local_profile {
	const char *title; /* the certificate type's name */
	const char *const *key_usage, *const *eku;
	const char *san; /* "mail", "upn", "both", "none" */
	const char *key; /* "user_key"; "rsa": user_key when that is RSA, else RSA 2048; or a kind of key */
};

struct local_settings {
	const char *ca_name, *ca_key, *user_key, *publish_url, *handover_format;
	int64_t ca_years;
	int64_t key_stock;
	int64_t backdate;
	int64_t download_time, unlock_time, repeat_time, confirm_time; /* ms */
	int64_t pin_length, pin_free, pin_pause, pin_pause_max;
	int64_t crl_validity, crl_renew;
	struct setting_sections profiles; /* struct local_profile */
};
extern struct local_settings local_settings;

/* The profile of a certificate type, from the configuration or else a built-in one; NULL: this CA issues nothing for it. */
const struct local_profile *local_profile_find(const char *type);
/* The kind of key (see key.h) that its certificates get. */
const char *local_key_kind(const struct local_profile *profile);
/* "BASE/upstream_local/PATH". */
char *local_url(struct arena *a, const char *path);
/* The same under the address that stands in certificates (setting publish_url). */
char *local_publish_url(struct arena *a, unsigned generation, const char *file);

/* authority.c: the CA of this installation. */

/* Reads the newest generation; makes the first one when there is none. Two processes that do this at once end up with the same.
 * The result is kept for the process and lives as long as a. */
enum status authority_open(struct arena *a, struct db *db) MUST_CHECK;
const struct ca *authority(void); /* after authority_open() */
/* The same, of some generation, for one job: MISSING when there is none. */
enum status authority_load(struct arena *a, struct db *db, unsigned generation, struct ca *ret) MUST_CHECK;
/* A new revocation list of the generation, with the next number. Joins the caller's transaction. */
enum status authority_crl(struct arena *a, struct db *db, const struct ca *ca, when now) MUST_CHECK;
/* `inkan ca init`, `inkan ca show` */
enum status authority_command(struct arena *a, struct db *db, int argc, char **argv);
enum status authority_crl_job(const struct job_run *run);

/* order.c: orders from the core. */
enum status order_submit_all(const struct upstream_call *call, struct upstream_order *orders, size_t n);
enum status order_list_all(const struct upstream_call *call, upstream_emit *emit, void *context);
enum status order_sweep_job(const struct job_run *run);
/* Tells the core that the certificate was taken; harmless when told before. Joins the caller's transaction. */
enum status order_report_taken(
	struct arena *a, struct db *db, const struct local_certificate *c, when now) MUST_CHECK;
/* The PIN of a ready order. */
enum status order_pin(struct arena *a, const struct local_order *order, const char **ret) MUST_CHECK;

/* ready.c: key, PIN, and where they go. */

/* A new order of a user, made ready at once when that takes no time: with a key of the stock, or one that is quickly made. Joins the
 * caller's transaction; *ret_ready false: the key job has to make the key. */
enum status order_ready_now(struct arena *a, struct db *db, const struct local_order *order, bool *ret_ready) MUST_CHECK;
enum status order_key_job(const struct job_run *run);
enum status order_key_gave_up(const struct job_run *run, const char *why);
enum status order_stock_job(const struct job_run *run);

/* issue.c: from an order with a key to a signed certificate and a .p12. */

/* The order's certificate, signed now unless it was before. Inside the transaction that holds the order's row. */
enum status issue_certificate(struct arena *a, struct db *db, const struct local_order *order, when now,
	struct local_certificate *ret) MUST_CHECK;
/* The format of a download that is an Apple configuration profile, with the .p12 in it. */
#define LOCAL_APPLE "apple"
struct local_file {
	const char *format;
	struct bytes sealed, plain;
};
/* The order's file: the one that is stored, whatever its format, else one in this format, made and stored sealed. So all downloads of one
 * browser that overlap get the same bytes. As above. */
enum status issue_file(struct arena *a, struct db *db, const struct local_order *order,
	const struct local_certificate *c, const char *format, struct local_file *ret) MUST_CHECK;
/* The order's .p12 in this format, not stored. */
enum status issue_p12_only(struct arena *a, struct db *db, const struct local_order *order,
	const struct local_certificate *c, const char *format, struct bytes *ret) MUST_CHECK;
/* The stored file, opened. */
enum status issue_stored(struct arena *a, const struct local_order *order, struct local_file *ret) MUST_CHECK;

/* take.c, download.c, publish.c: pages. */
enum status take_pin_page(struct request *rq);
enum status take_pin_sent(struct request *rq);
enum status download_page(struct request *rq);
enum status download_send(struct request *rq);
enum status publish_crl(struct request *rq);
enum status publish_cer(struct request *rq);
enum status publish_pem(struct request *rq);

/* take.c, for download.c: what an address stands for. */
enum take_state {
	TAKE_OPEN,    /* ready, not taken */
	TAKE_REPEAT,  /* taken, and this browser may repeat */
	TAKE_TAKEN,   /* taken, and this browser may not */
	TAKE_EXPIRED, /* not taken in time */
	TAKE_REVOKED,
	TAKE_UNKNOWN,
};
enum take_state take_state(const struct local_order *order, struct bytes cookie_digest, when now);
/* Finds the order of the request's address; MISSING when there is none. */
enum status take_find(struct request *rq, struct local_order *ret) MUST_CHECK;
/* The same, as the first statement of a transaction on it. */
enum status take_lock(struct request *rq, struct local_order *ret) MUST_CHECK;
/* SHA-256 of this browser's cookie for the order's address; no bytes when there is none. */
struct bytes take_cookie_digest(struct request *rq);
/* The page for an address that serves no more. */
enum status take_ended(struct request *rq, enum take_state state) MUST_CHECK;

/* pin.c: how PINs are made and what a person may type for one. */
const char *pin_new(struct arena *a, size_t length);
/* What was typed, as a PIN looks: full-width letters and digits become plain, capitals small, blanks and hyphens go. NULL: that is no
 * PIN, whatever it is. */
const char *pin_normal(struct arena *a, const char *typed);
/* How long after so many wrong ones in a row the next is refused; 0: not at all. */
when pin_pause(unsigned failures, int64_t free, when first, when most);

#endif
