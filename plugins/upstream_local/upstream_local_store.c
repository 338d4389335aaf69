/* Rows of certificates, revocation lists, keys and the CA itself. */
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

static enum status certificate_one(enum status s, const struct db_rows *rows, struct local_certificate *ret)
{
	if (s == STATUS_OK && !rows->rows)
		return cause(STATUS_MISSING, "there is no such certificate");
	if (s == STATUS_OK)
		certificate_row(rows, 0, ret);
	return s;
}

enum status local_certificate_get(struct db *db, struct arena *a, uint64_t application, struct local_certificate *ret)
{
	struct db_rows rows;

	return certificate_one(db_select(db, a, &rows, CERTIFICATE_COLUMNS "WHERE application = ?", DB_INT(application)), &rows, ret);
}

enum status local_certificate_find(struct db *db, struct arena *a, const char *serial, struct local_certificate *ret)
{
	struct db_rows rows;

	return certificate_one(db_select(db, a, &rows, CERTIFICATE_COLUMNS "WHERE serial = ?", DB_TEXT(serial)), &rows, ret);
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
