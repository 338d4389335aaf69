/* Rows of orders, certificates, revocation lists, keys and the CA itself: all SQL of the plugin. */
#include "upstream_local_store.h"

/* The CA */

#define CA_COLUMNS "SELECT generation, key_sealed, certificate, created_at FROM local_ca "

static void ca_row(const struct db_rows *rows, size_t i, struct local_ca *to)
{
	*to = (struct local_ca){
		.generation = (unsigned)db_int(rows, i, 0),
		.key_sealed = db_bytes(rows, i, 1),
		.certificate = db_bytes(rows, i, 2),
		.created_at = db_int(rows, i, 3),
	};
}

enum status local_ca_newest(struct db *db, struct arena *a, struct local_ca *ret)
{
	struct db_rows rows;
	enum status s = db_select(db, a, &rows, CA_COLUMNS "ORDER BY generation DESC LIMIT 1");
	if (s != STATUS_OK)
		return s;
	if (!rows.rows)
		return cause(STATUS_MISSING, "there is no CA yet");
	ca_row(&rows, 0, ret);
	return STATUS_OK;
}

enum status local_ca_get(struct db *db, struct arena *a, unsigned generation, struct local_ca *ret)
{
	struct db_rows rows;
	enum status s = db_select(db, a, &rows, CA_COLUMNS "WHERE generation = ?", DB_INT(generation));
	if (s != STATUS_OK)
		return s;
	if (!rows.rows)
		return cause(STATUS_MISSING, "there is no CA of generation %u", generation);
	ca_row(&rows, 0, ret);
	return STATUS_OK;
}

enum status local_ca_list(struct db *db, struct arena *a, struct local_ca **ret, size_t *ret_n)
{
	struct db_rows rows;
	enum status s = db_select(db, a, &rows, CA_COLUMNS "ORDER BY generation DESC");
	if (s != STATUS_OK)
		return s;
	struct local_ca *list = arena_array(a, rows.rows, sizeof *list);
	for (size_t i = 0; i < rows.rows; i++)
		ca_row(&rows, i, &list[i]);
	*ret = list;
	*ret_n = rows.rows;
	return STATUS_OK;
}

enum status local_ca_insert(struct db *db, const struct local_ca *ca)
{
	return db_exec(db, NULL,
		"INSERT INTO local_ca (generation, key_sealed, certificate, created_at) VALUES (?, ?, ?, ?)",
		DB_INT(ca->generation), DB_BYTES(ca->key_sealed), DB_BYTES(ca->certificate),
		DB_INT(ca->created_at));
}

/* Orders */

#define ORDER_COLUMNS                                                                                                      \
	"SELECT application, type, subject, mail, upn, number, months, created_at, ready_at, download_until, key_sealed, " \
	"pin_sealed, pin_failures, pin_wait_until, unlock_digest, unlock_until, taken_at, taken_digest, repeat_until, "    \
	"p12_format, p12_sealed, wiped_at, handover FROM local_order "

static enum status order_row(const struct db_rows *rows, struct local_order *to)
{
	if (!rows->rows)
		return cause(STATUS_MISSING, "no such order");
	*to = (struct local_order){
		.application = (uint64_t)db_int(rows, 0, 0),
		.type = db_text(rows, 0, 1),
		.subject = db_text(rows, 0, 2),
		.mail = db_text(rows, 0, 3),
		.upn = db_text(rows, 0, 4),
		.number = (unsigned)db_int(rows, 0, 5),
		.months = (int)db_int(rows, 0, 6),
		.created_at = db_int(rows, 0, 7),
		.ready_at = db_int(rows, 0, 8),
		.download_until = db_int(rows, 0, 9),
		.key_sealed = db_bytes(rows, 0, 10),
		.pin_sealed = db_bytes(rows, 0, 11),
		.pin_failures = (unsigned)db_int(rows, 0, 12),
		.pin_wait_until = db_int(rows, 0, 13),
		.unlock_digest = db_bytes(rows, 0, 14),
		.unlock_until = db_int(rows, 0, 15),
		.taken_at = db_int(rows, 0, 16),
		.taken_digest = db_bytes(rows, 0, 17),
		.repeat_until = db_int(rows, 0, 18),
		.p12_format = db_text(rows, 0, 19),
		.p12_sealed = db_bytes(rows, 0, 20),
		.wiped_at = db_int(rows, 0, 21),
		.handover = db_int(rows, 0, 22) != 0,
	};
	return STATUS_OK;
}

enum status local_order_insert(struct db *db, const struct local_order *o, bool *ret_new)
{
	uint64_t changed = 0;
	enum status s = db_exec(db, &changed,
		"INSERT INTO local_order (application, type, number, subject, mail, upn, months, handover, created_at) "
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE changed = changed + 1",
		DB_INT(o->application), DB_TEXT(o->type), DB_INT(o->number), DB_TEXT(o->subject),
		DB_TEXT(o->mail), DB_TEXT(o->upn), DB_INT(o->months), DB_INT(o->handover),
		DB_INT(o->created_at));
	if (s == STATUS_OK)
		*ret_new = changed == 1; /* 2: the row was there */
	return s;
}

enum status local_order_get(struct db *db, struct arena *a, uint64_t application, struct local_order *ret)
{
	struct db_rows rows;
	enum status s = db_select(db, a, &rows, ORDER_COLUMNS "WHERE application = ?", DB_INT(application));
	return s == STATUS_OK ? order_row(&rows, ret) : s;
}

enum status local_order_find(
	struct db *db, struct arena *a, struct bytes token_digest, struct local_order *ret)
{
	struct db_rows rows;
	enum status s =
		db_select(db, a, &rows, ORDER_COLUMNS "WHERE token_digest = ?", DB_BYTES(token_digest));
	return s == STATUS_OK ? order_row(&rows, ret) : s;
}

enum status local_order_lock(struct db *db, struct arena *a, uint64_t application, struct local_order *ret)
{
	enum status s = db_exec(db, NULL,
		"UPDATE local_order SET changed = changed + 1 WHERE application = ?", DB_INT(application));
	return s == STATUS_OK ? local_order_get(db, a, application, ret) : s;
}

enum status local_order_lock_token(struct db *db, struct arena *a, struct bytes token_digest, struct local_order *ret)
{
	uint64_t changed = 0;
	enum status s = db_exec(db, &changed, "UPDATE local_order SET changed = changed + 1 WHERE token_digest = ?",
		DB_BYTES(token_digest));
	if (s == STATUS_OK && !changed)
		return cause(STATUS_MISSING, "no such order");
	return s == STATUS_OK ? local_order_find(db, a, token_digest, ret) : s;
}

enum status local_order_ready(struct db *db, uint64_t application, struct bytes key_sealed,
	struct bytes pin_sealed, struct bytes token_digest, when ready_at, when download_until)
{
	return db_exec(db, NULL,
		"UPDATE local_order SET key_sealed = ?, pin_sealed = ?, token_digest = ?, ready_at = ?, download_until = ? "
		"WHERE application = ?",
		DB_BYTES(key_sealed), DB_BYTES(pin_sealed), DB_BYTES(token_digest), DB_INT(ready_at),
		DB_INT(download_until), DB_INT(application));
}

enum status local_order_pin_failed(struct db *db, uint64_t application, unsigned failures, when wait_until)
{
	return db_exec(db, NULL,
		"UPDATE local_order SET pin_failures = ?, pin_wait_until = ? WHERE application = ?",
		DB_INT(failures), DB_INT(wait_until), DB_INT(application));
}

enum status local_order_unlock(struct db *db, uint64_t application, struct bytes cookie_digest, when until)
{
	return db_exec(db, NULL,
		"UPDATE local_order SET unlock_digest = ?, unlock_until = ?, pin_failures = 0, pin_wait_until = 0, "
		"p12_format = '', p12_sealed = NULL WHERE application = ?",
		DB_BYTES(cookie_digest), DB_INT(until), DB_INT(application));
}

enum status local_order_set_p12(struct db *db, uint64_t application, const char *format, struct bytes sealed)
{
	return db_exec(db, NULL,
		"UPDATE local_order SET p12_format = ?, p12_sealed = ? WHERE application = ?",
		DB_TEXT(format), DB_BYTES(sealed), DB_INT(application));
}

enum status local_order_forget_p12(struct db *db, uint64_t application, struct bytes p12_sealed)
{
	return db_exec(db, NULL,
		"UPDATE local_order SET changed = changed + 1, p12_format = '', p12_sealed = NULL "
		"WHERE application = ? AND taken_at = 0 AND p12_sealed = ?",
		DB_INT(application), DB_BYTES(p12_sealed));
}

enum status local_order_taken(struct db *db, uint64_t application, struct bytes cookie_digest, when at,
	when repeat_until, const char *format, struct bytes p12_sealed, bool *ret_first)
{
	uint64_t changed = 0;
	enum status s = db_exec(db, &changed,
		"UPDATE local_order SET changed = changed + 1, taken_at = ?, taken_digest = ?, repeat_until = ?, p12_format = ?, "
		"p12_sealed = ? WHERE application = ? AND taken_at = 0 AND wiped_at = 0",
		DB_INT(at), DB_BYTES(cookie_digest), DB_INT(repeat_until), DB_TEXT(format),
		DB_BYTES(p12_sealed), DB_INT(application));
	if (s == STATUS_OK)
		*ret_first = changed == 1;
	return s;
}

#define WIPE                                                                                                      \
	"UPDATE local_order SET changed = changed + 1, key_sealed = NULL, pin_sealed = NULL, p12_sealed = NULL, " \
	"unlock_digest = NULL, taken_digest = NULL, wiped_at = ? "

enum status local_order_list(
	struct db *db, struct arena *a, uint64_t after, unsigned limit, struct local_order **ret, size_t *ret_n)
{
	struct db_rows rows;
	enum status s = db_select(db, a, &rows,
		"SELECT o.application, o.type, o.subject, o.mail, o.months, o.created_at, o.ready_at, o.download_until FROM local_order AS o "
		"LEFT JOIN local_certificate AS c ON c.application = o.application "
		"WHERE o.application > ? AND c.application IS NULL AND o.handover = 0 ORDER BY o.application LIMIT ?",
		DB_INT(after), DB_INT(limit));
	if (s != STATUS_OK)
		return s;
	struct local_order *list = arena_array(a, rows.rows, sizeof *list);
	for (size_t i = 0; i < rows.rows; i++)
		list[i] = (struct local_order){
			.application = (uint64_t)db_int(&rows, i, 0),
			.type = db_text(&rows, i, 1),
			.subject = db_text(&rows, i, 2),
			.mail = db_text(&rows, i, 3),
			.months = (int)db_int(&rows, i, 4),
			.created_at = db_int(&rows, i, 5),
			.ready_at = db_int(&rows, i, 6),
			.download_until = db_int(&rows, i, 7),
		};
	*ret = list;
	*ret_n = rows.rows;
	return STATUS_OK;
}

enum status local_order_wipe(struct db *db, uint64_t application, when at)
{
	return db_exec(
		db, NULL, WIPE "WHERE application = ? AND wiped_at = 0", DB_INT(at), DB_INT(application));
}

enum status local_order_wipe_due(struct db *db, when now, unsigned limit, uint64_t *ret_wiped)
{
	return db_exec(db, ret_wiped,
		WIPE "WHERE wiped_at = 0 AND ready_at > 0 AND ((taken_at > 0 AND repeat_until <= ?) OR "
		     "(taken_at = 0 AND download_until <= ?)) ORDER BY application LIMIT ?",
		DB_INT(now), DB_INT(now), DB_INT(now), DB_INT(limit));
}

/* Certificates */

#define CERTIFICATE_COLUMNS                                                                                                    \
	"SELECT serial, application, generation, subject, mail, fingerprint, not_before, not_after, created_at, reported_at, " \
	"revoked_at, reason, der FROM local_certificate "

static void certificate_row(const struct db_rows *rows, size_t i, struct local_certificate *to)
{
	*to = (struct local_certificate){
		.serial = db_text(rows, i, 0),
		.application = (uint64_t)db_int(rows, i, 1),
		.generation = (unsigned)db_int(rows, i, 2),
		.subject = db_text(rows, i, 3),
		.mail = db_text(rows, i, 4),
		.fingerprint = db_text(rows, i, 5),
		.not_before = db_int(rows, i, 6),
		.not_after = db_int(rows, i, 7),
		.created_at = db_int(rows, i, 8),
		.reported_at = db_int(rows, i, 9),
		.revoked_at = db_int(rows, i, 10),
		.reason = (int)db_int(rows, i, 11),
		.der = rows->cols > 12 ? db_bytes(rows, i, 12) : bytes_of(NULL, 0),
	};
}

static void certificate_rows(
	struct arena *a, const struct db_rows *rows, struct local_certificate **ret, size_t *ret_n)
{
	struct local_certificate *list = arena_array(a, rows->rows, sizeof *list);
	for (size_t i = 0; i < rows->rows; i++)
		certificate_row(rows, i, &list[i]);
	*ret = list;
	*ret_n = rows->rows;
}

enum status local_certificate_insert(struct db *db, const struct local_certificate *c)
{
	return db_exec(db, NULL,
		"INSERT INTO local_certificate (serial, application, generation, subject, mail, der, fingerprint, not_before, "
		"not_after, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		DB_TEXT(c->serial), DB_INT(c->application), DB_INT(c->generation), DB_TEXT(c->subject),
		DB_TEXT(c->mail), DB_BYTES(c->der), DB_TEXT(c->fingerprint), DB_INT(c->not_before),
		DB_INT(c->not_after), DB_INT(c->created_at));
}

enum status local_certificate_get(
	struct db *db, struct arena *a, uint64_t application, struct local_certificate *ret)
{
	struct db_rows rows;
	enum status s =
		db_select(db, a, &rows, CERTIFICATE_COLUMNS "WHERE application = ?", DB_INT(application));
	if (s != STATUS_OK)
		return s;
	if (!rows.rows)
		return cause(STATUS_MISSING, "application %llu has no certificate",
			(unsigned long long)application);
	certificate_row(&rows, 0, ret);
	return STATUS_OK;
}

enum status local_certificate_reported(struct db *db, uint64_t application, when at, bool *ret_first)
{
	uint64_t changed = 0;
	enum status s = db_exec(db, &changed,
		"UPDATE local_certificate SET reported_at = ? WHERE application = ? AND reported_at = 0",
		DB_INT(at), DB_INT(application));
	if (s == STATUS_OK)
		*ret_first = changed == 1;
	return s;
}

enum status local_certificate_unreported(struct db *db, struct arena *a, when before, unsigned limit,
	struct local_certificate **ret, size_t *ret_n)
{
	struct db_rows rows;
	enum status s = db_select(db, a, &rows,
		CERTIFICATE_COLUMNS "WHERE reported_at = 0 AND created_at <= ? ORDER BY created_at LIMIT ?",
		DB_INT(before), DB_INT(limit));
	if (s == STATUS_OK)
		certificate_rows(a, &rows, ret, ret_n);
	return s;
}

enum status local_certificate_revoke(struct db *db, uint64_t application, when at, int reason)
{
	return db_exec(db, NULL,
		"UPDATE local_certificate SET revoked_at = ?, reason = ? WHERE application = ? AND revoked_at = 0",
		DB_INT(at), DB_INT(reason), DB_INT(application));
}

enum status local_certificate_list(struct db *db, struct arena *a, const char *after, unsigned limit,
	struct local_certificate **ret, size_t *ret_n)
{
	struct db_rows rows;
	enum status s = db_select(db, a, &rows,
		"SELECT c.serial, c.application, c.generation, c.subject, c.mail, "
		"c.fingerprint, c.not_before, c.not_after, c.created_at, c.reported_at, c.revoked_at, c.reason, NULL, o.type, o.months, "
		"o.created_at FROM local_certificate AS c LEFT JOIN local_order AS o ON o.application = c.application "
		"WHERE c.serial > ? ORDER BY c.serial LIMIT ?",
		DB_TEXT(after), DB_INT(limit));
	if (s != STATUS_OK)
		return s;
	certificate_rows(a, &rows, ret, ret_n);
	for (size_t i = 0; i < rows.rows; i++) {
		(*ret)[i].type = db_text(&rows, i, 13);
		(*ret)[i].months = (int)db_int(&rows, i, 14);
		(*ret)[i].ordered_at = db_int(&rows, i, 15);
	}
	return STATUS_OK;
}

/* As the index has them: sorted by serials, each step would read and sort all of them. */
enum status local_certificate_revoked(struct db *db, struct arena *a, unsigned generation, when valid_at, when after_at,
	const char *after_serial, unsigned limit, struct local_certificate **ret, size_t *ret_n)
{
	struct db_rows rows;
	enum status s = db_select(db, a, &rows,
		"SELECT serial, application, generation, subject, mail, fingerprint, not_before, not_after, created_at, reported_at, "
		"revoked_at, reason FROM local_certificate FORCE INDEX (revoked) "
		"WHERE generation = ? AND revoked_at >= ? AND revoked_at > 0 AND (revoked_at > ? OR serial > ?) AND not_after > ? "
		"ORDER BY revoked_at, serial LIMIT ?",
		DB_INT(generation), DB_INT(after_at), DB_INT(after_at), DB_TEXT(after_serial), DB_INT(valid_at), DB_INT(limit));
	if (s == STATUS_OK)
		certificate_rows(a, &rows, ret, ret_n);
	return s;
}

/* Revocation lists */

enum status local_crl_insert(struct db *db, unsigned generation)
{
	return db_exec(db, NULL,
		"INSERT INTO local_crl (generation, number, this_update, next_update, der) VALUES (?, 0, 0, 0, '')",
		DB_INT(generation));
}

enum status local_crl_next(struct db *db, struct arena *a, unsigned generation, uint64_t *ret)
{
	struct local_crl crl;
	enum status s = db_exec(db, NULL, "UPDATE local_crl SET number = number + 1 WHERE generation = ?",
		DB_INT(generation));
	if (s == STATUS_OK)
		s = local_crl_head(db, a, generation, &crl);
	if (s == STATUS_OK)
		*ret = crl.number;
	return s;
}

enum status local_crl_publish(struct db *db, unsigned generation, const struct local_crl *crl)
{
	return db_exec(db, NULL,
		"UPDATE local_crl SET this_update = ?, next_update = ?, der = ? WHERE generation = ?",
		DB_INT(crl->this_update), DB_INT(crl->next_update), DB_BYTES(crl->der), DB_INT(generation));
}

static enum status crl_row(const struct db_rows *rows, unsigned generation, struct local_crl *to)
{
	if (!rows->rows)
		return cause(STATUS_MISSING, "there is no revocation list of generation %u", generation);
	*to = (struct local_crl){
		.number = (uint64_t)db_int(rows, 0, 0),
		.this_update = db_int(rows, 0, 1),
		.next_update = db_int(rows, 0, 2),
		.der = rows->cols > 3 ? db_bytes(rows, 0, 3) : bytes_of(NULL, 0),
	};
	return STATUS_OK;
}

enum status local_crl_head(struct db *db, struct arena *a, unsigned generation, struct local_crl *ret)
{
	struct db_rows rows;
	enum status s = db_select(db, a, &rows,
		"SELECT number, this_update, next_update FROM local_crl WHERE generation = ?",
		DB_INT(generation));
	return s == STATUS_OK ? crl_row(&rows, generation, ret) : s;
}

enum status local_crl_get(struct db *db, struct arena *a, unsigned generation, struct local_crl *ret)
{
	struct db_rows rows;
	enum status s = db_select(db, a, &rows,
		"SELECT number, this_update, next_update, der FROM local_crl WHERE generation = ?",
		DB_INT(generation));
	return s == STATUS_OK ? crl_row(&rows, generation, ret) : s;
}

/* The stock of keys */

/* How many are looked at to find one that nobody takes at this moment. */
#define TAKE_AMONG 16

enum status local_key_count(struct db *db, struct arena *a, const char *kind, int64_t *ret)
{
	struct db_rows rows;
	enum status s =
		db_select(db, a, &rows, "SELECT COUNT(*) FROM local_key WHERE kind = ?", DB_TEXT(kind));
	if (s == STATUS_OK)
		*ret = db_int(&rows, 0, 0);
	return s;
}

enum status local_key_insert(
	struct db *db, const char *id, const char *kind, struct bytes key_sealed, when at)
{
	return db_exec(db, NULL,
		"INSERT INTO local_key (id, kind, key_sealed, created_at) VALUES (?, ?, ?, ?)", DB_TEXT(id),
		DB_TEXT(kind), DB_BYTES(key_sealed), DB_INT(at));
}

enum status local_key_take(
	struct db *db, struct arena *a, const char *kind, const char **ret_id, struct bytes *ret_sealed)
{
	struct db_rows rows;
	/* In no order: two who take at once shall seldom begin with the same row. The deletion decides. */
	enum status s = db_select(db, a, &rows,
		"SELECT id, key_sealed FROM local_key WHERE kind = ? ORDER BY RAND() LIMIT ?", DB_TEXT(kind),
		DB_INT(TAKE_AMONG));
	for (size_t i = 0; s == STATUS_OK && i < rows.rows; i++) {
		uint64_t deleted = 0;
		s = db_exec(
			db, &deleted, "DELETE FROM local_key WHERE id = ?", DB_TEXT(db_text(&rows, i, 0)));
		if (s == STATUS_OK && deleted == 1) {
			*ret_id = db_text(&rows, i, 0);
			*ret_sealed = db_bytes(&rows, i, 1);
			return STATUS_OK;
		}
	}
	return s == STATUS_OK ? cause(STATUS_MISSING, "the stock of keys is empty") : s;
}

enum status local_key_drop(struct db *db, const char *kind)
{
	return db_exec(db, NULL, "DELETE FROM local_key WHERE kind = ?", DB_TEXT(kind));
}
