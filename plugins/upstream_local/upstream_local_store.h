/* Rows of the embedded CA: itself, its orders, certificates, revocation lists, and the stock of keys. */
#ifndef UPSTREAM_LOCAL_STORE_H
#define UPSTREAM_LOCAL_STORE_H

#include "plugin.h"

/* The CA. Sealed as (local_ca, generation, key_sealed). */
struct local_ca {
	unsigned generation;
	struct bytes key_sealed, certificate;
	when created_at;
};
enum status local_ca_newest(struct db *db, struct arena *a, struct local_ca *ret) MUST_CHECK; /* MISSING */
enum status local_ca_get(
	struct db *db, struct arena *a, unsigned generation, struct local_ca *ret) MUST_CHECK;
/* Newest first. */
enum status local_ca_list(struct db *db, struct arena *a, struct local_ca **ret, size_t *ret_n) MUST_CHECK;
enum status local_ca_insert(
	struct db *db, const struct local_ca *ca) MUST_CHECK; /* CONFLICT: the generation is there */

/* An order. Sealed as (local_order, application, key_sealed | pin_sealed | p12_sealed). */
struct local_order {
	uint64_t application;
	const char *type, *subject, *mail, *upn;
	unsigned number;
	int months;
	bool handover; /* for a card service: no address, and nothing secret is kept here */
	when created_at, ready_at, download_until;
	struct bytes key_sealed, pin_sealed;
	unsigned pin_failures;
	when pin_wait_until;
	struct bytes unlock_digest;
	when unlock_until, taken_at;
	struct bytes taken_digest;
	when repeat_until;
	const char *p12_format;
	struct bytes p12_sealed;
	when wiped_at;
};
/* Nothing but taking a turn at its row happens when the application has an order already. */
enum status local_order_insert(struct db *db, const struct local_order *order, bool *ret_new) MUST_CHECK;
enum status local_order_get(struct db *db, struct arena *a, uint64_t application,
	struct local_order *ret) MUST_CHECK; /* MISSING */
enum status local_order_find(
	struct db *db, struct arena *a, struct bytes token_digest, struct local_order *ret) MUST_CHECK;
/* Makes transactions on the row take turns; then reads it. The first statement of each of them. MISSING. */
enum status local_order_lock(
	struct db *db, struct arena *a, uint64_t application, struct local_order *ret) MUST_CHECK;
/* The same for the order of an address. */
enum status local_order_lock_token(
	struct db *db, struct arena *a, struct bytes token_digest, struct local_order *ret) MUST_CHECK;
enum status local_order_ready(struct db *db, uint64_t application, struct bytes key_sealed,
	struct bytes pin_sealed, struct bytes token_digest, when ready_at, when download_until) MUST_CHECK;
enum status local_order_pin_failed(
	struct db *db, uint64_t application, unsigned failures, when wait_until) MUST_CHECK;
/* The right PIN came: this browser may download until then; failures are forgotten, and so is the file of an earlier browser. */
enum status local_order_unlock(
	struct db *db, uint64_t application, struct bytes cookie_digest, when until) MUST_CHECK;
enum status local_order_set_p12(
	struct db *db, uint64_t application, const char *format, struct bytes sealed) MUST_CHECK;
/* No effect once it is taken, or another file stands there. */
enum status local_order_forget_p12(struct db *db, uint64_t application, struct bytes p12_sealed) MUST_CHECK;
/* With the file that was handed over: the one that is repeated. *ret_first false: it was taken before, or is wiped, and nothing changes.
 * The first statement of its transaction, as local_order_lock(). */
enum status local_order_taken(struct db *db, uint64_t application, struct bytes cookie_digest, when at,
	when repeat_until, const char *format, struct bytes p12_sealed, bool *ret_first) MUST_CHECK;
/* Orders of users that have no certificate yet, in the order of applications, behind `after` (0 at first); without anything secret. */
enum status local_order_list(struct db *db, struct arena *a, uint64_t after, unsigned limit,
	struct local_order **ret, size_t *ret_n) MUST_CHECK;
/* Forgets everything secret. */
enum status local_order_wipe(struct db *db, uint64_t application, when at) MUST_CHECK;
/* Wipes orders that are taken and past their repetition, or not taken in time. */
enum status local_order_wipe_due(struct db *db, when now, unsigned limit, uint64_t *ret_wiped) MUST_CHECK;

/* A certificate. */
struct local_certificate {
	const char *serial, *subject, *mail, *fingerprint;
	uint64_t application;
	unsigned generation;
	struct bytes der;
	when not_before, not_after, created_at, reported_at, revoked_at;
	int reason;
	/* Of its order; local_certificate_list() alone sets them: */
	const char *type;
	int months;
	when ordered_at;
};
enum status local_certificate_insert(
	struct db *db, const struct local_certificate *c) MUST_CHECK; /* CONFLICT */
enum status local_certificate_find(struct db *db, struct arena *a, const char *serial, struct local_certificate *ret) MUST_CHECK; /* MISSING */
enum status local_certificate_get(struct db *db, struct arena *a, uint64_t application,
	struct local_certificate *ret) MUST_CHECK; /* MISSING */
/* *ret_first false: it was before. */
enum status local_certificate_reported(struct db *db, uint64_t application, when at, bool *ret_first) MUST_CHECK;
/* Signed before a time, and the core was not told yet. */
enum status local_certificate_unreported(struct db *db, struct arena *a, when before, unsigned limit,
	struct local_certificate **ret, size_t *ret_n) MUST_CHECK;
/* No effect on one that is revoked already. */
enum status local_certificate_revoke(struct db *db, uint64_t application, when at, int reason) MUST_CHECK;
/* In the order of serials, behind `after` ("" at first), with type, months and time of their orders; without the DER. */
enum status local_certificate_list(struct db *db, struct arena *a, const char *after, unsigned limit,
	struct local_certificate **ret, size_t *ret_n) MUST_CHECK;
/* Revoked ones of a generation that were still valid at a time, in the order of their revocation, behind the one with this time and serial
 * (0 and "" at first); without the DER. */
enum status local_certificate_revoked(struct db *db, struct arena *a, unsigned generation, when valid_at, when after_at,
	const char *after_serial, unsigned limit, struct local_certificate **ret, size_t *ret_n) MUST_CHECK;

/* The revocation list. */
struct local_crl {
	uint64_t number;
	when this_update, next_update;
	struct bytes der;
};
enum status local_crl_insert(struct db *db, unsigned generation) MUST_CHECK; /* number 0, due at once */
/* Raises the number, which makes those who make lists take turns, and returns it. */
enum status local_crl_next(struct db *db, struct arena *a, unsigned generation, uint64_t *ret) MUST_CHECK;
enum status local_crl_publish(struct db *db, unsigned generation, const struct local_crl *crl) MUST_CHECK;
enum status local_crl_head(struct db *db, struct arena *a, unsigned generation,
	struct local_crl *ret) MUST_CHECK; /* no DER; MISSING */
enum status local_crl_get(
	struct db *db, struct arena *a, unsigned generation, struct local_crl *ret) MUST_CHECK;

/* The stock. Sealed as (local_key, id, key_sealed). */
enum status local_key_count(struct db *db, struct arena *a, const char *kind, int64_t *ret) MUST_CHECK;
enum status local_key_insert(
	struct db *db, const char *id, const char *kind, struct bytes key_sealed, when at) MUST_CHECK;
/* Takes one out, inside the caller's transaction: nobody else gets it. MISSING: none is left. */
enum status local_key_take(struct db *db, struct arena *a, const char *kind, const char **ret_id,
	struct bytes *ret_sealed) MUST_CHECK;
/* Drops those of a kind that is not made any more. */
enum status local_key_drop(struct db *db, const char *kind) MUST_CHECK;

#endif
