/* The CA of this installation: made once, sealed in the database, opened at start; and its revocation lists. */
#include "local.h"

#include <openssl/pem.h>

#include "key.h"

#define CRL_STEP 5000 /* entries read at a time */

static struct ca the_ca;

const struct ca *authority(void)
{
	ASSERT(the_ca.certificate);
	return &the_ca;
}

static char *generation_row(struct arena *a, unsigned generation)
{
	return arena_printf(a, "%u", generation);
}

static enum status ca_open(struct arena *a, const struct local_ca *row, struct ca *ret)
{
	struct ca ca = {.generation = row->generation};
	struct bytes pkcs8;
	enum status s = seal_open(
		a, "local_ca", generation_row(a, row->generation), "key_sealed", row->key_sealed, &pkcs8);
	if (s == STATUS_OK)
		s = key_read(a, pkcs8, &ca.key);
	if (s == STATUS_OK)
		s = x509_read(a, row->certificate, &ca.certificate);
	if (s == STATUS_OK && X509_check_private_key(ca.certificate, ca.key) != 1)
		s = openssl_failed("matching the CA's key with its certificate");
	if (s == STATUS_OK)
		*ret = ca;
	return s;
}

enum status authority_load(struct arena *a, struct db *db, unsigned generation, struct ca *ret)
{
	if (the_ca.certificate && generation == the_ca.generation) {
		*ret = the_ca;
		return STATUS_OK;
	}
	struct local_ca row;
	enum status s = local_ca_get(db, a, generation, &row);
	return s == STATUS_OK ? ca_open(a, &row, ret) : s;
}

static enum status crl_fill(
	struct arena *a, struct db *db, const struct ca *ca, struct ca_crl *list, when valid_at)
{
	const char *after = "";
	when after_at = 0;
	size_t n;
	do {
		struct local_certificate *revoked;
		enum status s = local_certificate_revoked(
			db, a, ca->generation, valid_at, after_at, after, CRL_STEP, &revoked, &n);
		for (size_t i = 0; s == STATUS_OK && i < n; i++) {
			s = ca_crl_add(list, &(struct ca_revoked){.serial = revoked[i].serial,
						     .at = revoked[i].revoked_at,
						     .reason = revoked[i].reason});
			after = revoked[i].serial;
			after_at = revoked[i].revoked_at;
		}
		if (s != STATUS_OK)
			return s;
	} while (n == CRL_STEP);
	return STATUS_OK;
}

struct crl_task {
	struct arena *arena;
	const struct ca *ca;
	when now;
};

static enum status crl_body(struct db *db, void *context)
{
	const struct crl_task *t = context;
	unsigned generation = t->ca->generation;
	uint64_t number;
	/* First of all: whoever makes a list waits here until he sees what the one before him saw, and what that one missed. */
	enum status s = local_crl_next(db, t->arena, generation, &number);
	if (s != STATUS_OK)
		return s;
	struct local_crl crl = {
		.number = number, .this_update = t->now, .next_update = t->now + local_settings.crl_validity};
	struct ca_crl *list;
	s = ca_crl_new(t->arena, t->ca, (int64_t)number, crl.this_update, crl.next_update, &list);
	/* An entry stays until a list was published after its certificate's end (RFC 5280 3.3). */
	if (s == STATUS_OK)
		s = crl_fill(t->arena, db, t->ca, list, t->now - local_settings.crl_validity);
	if (s == STATUS_OK)
		s = ca_crl_sign(t->arena, list, t->ca, &crl.der);
	return s == STATUS_OK ? local_crl_publish(db, generation, &crl) : s;
}

enum status authority_crl(struct arena *a, struct db *db, const struct ca *ca, when now)
{
	struct crl_task task = {.arena = a, .ca = ca, .now = now};
	return db_transact(db, crl_body, &task);
}

struct make_task {
	struct arena *arena;
	struct local_ca row;
	struct ca ca;
	when now;
};

static enum status make_body(struct db *db, void *context)
{
	struct make_task *t = context;
	enum status s = local_ca_insert(db, &t->row);
	if (s == STATUS_OK)
		s = local_crl_insert(db, t->row.generation);
	if (s == STATUS_OK)
		s = authority_crl(t->arena, db, &t->ca, t->now);
	if (s == STATUS_OK)
		s = audit_add(db, "ca.made", arena_printf(t->arena, "ca:%u", t->row.generation),
			x509_fingerprint(t->arena, t->row.certificate));
	return s;
}

/* CONFLICT: another process was faster. */
static enum status authority_make(struct arena *a, struct db *db, unsigned generation)
{
	struct make_task t = {.arena = a, .now = clock_now() / SECOND * SECOND, .ca.generation = generation};
	when from = t.now - local_settings.backdate / SECOND * SECOND;
	when to = clock_add_months(t.now, (int)local_settings.ca_years * 12);
	struct bytes pkcs8;
	enum status s = key_make(a, local_settings.ca_key, &t.ca.key);
	if (s == STATUS_OK)
		s = ca_make(a, local_settings.ca_name, t.ca.key, from, to, &t.ca.certificate);
	if (s == STATUS_OK)
		s = key_write(a, t.ca.key, &pkcs8);
	t.row = (struct local_ca){.generation = generation, .created_at = t.now};
	if (s == STATUS_OK)
		s = x509_der(a, t.ca.certificate, &t.row.certificate);
	if (s != STATUS_OK)
		return s;
	t.row.key_sealed = seal(a, "local_ca", generation_row(a, generation), "key_sealed", pkcs8);
	return db_transact(db, make_body, &t);
}

enum status authority_open(struct arena *a, struct db *db)
{
	struct local_ca row;
	enum status s = local_ca_newest(db, a, &row);
	if (s == STATUS_MISSING) {
		struct arena *own = arena_new(); /* the new key need not outlive this */
		s = authority_make(own, db, 1);
		arena_free(own);
		if (s == STATUS_OK || s == STATUS_CONFLICT)
			s = local_ca_newest(db, a, &row);
	}
	return s == STATUS_OK ? ca_open(a, &row, &the_ca) : s;
}

static void ca_print(struct arena *a, struct db *db, const struct local_ca *row)
{
	X509 *x;
	struct local_crl crl = {0};
	if (x509_read(a, row->certificate, &x) != STATUS_OK) {
		printf("generation %u: %s\n", row->generation, cause_text());
		return;
	}
	printf("generation   %u\n", row->generation);
	printf("subject      ");
	fflush(stdout);
	X509_NAME_print_ex_fp(stdout, X509_get_subject_name(x), 0, XN_FLAG_RFC2253);
	printf("\nkey          %s, %d bits\n", EVP_PKEY_get0_type_name(X509_get0_pubkey(x)),
		EVP_PKEY_get_bits(X509_get0_pubkey(x)));
	printf("serial       %s\n", x509_serial(a, x));
	printf("valid        %s to %s\n", clock_rfc3339(a, x509_not_before(x)),
		clock_rfc3339(a, x509_not_after(x)));
	printf("SHA-256      %s\n", x509_fingerprint(a, row->certificate));
	if (local_crl_head(db, a, row->generation, &crl) == STATUS_OK)
		printf("CRL          number %llu, %s to %s\n", (unsigned long long)crl.number,
			clock_rfc3339(a, crl.this_update), clock_rfc3339(a, crl.next_update));
	fflush(stdout);
	PEM_write_X509(stdout, x);
}

enum status authority_command(struct arena *a, struct db *db, int argc, char **argv)
{
	struct local_ca *list;
	size_t n = 0;
	bool init = argc == 2 && text_same(argv[1], "init");
	if (!init && (argc != 2 || !text_same(argv[1], "show")))
		return cause(STATUS_INVALID, "usage: inkan ca init | inkan ca show");
	enum status s = init ? authority_open(a, db) : STATUS_OK;
	if (s == STATUS_OK)
		s = local_ca_list(db, a, &list, &n);
	if (s != STATUS_OK)
		return s;
	if (!n)
		return cause(STATUS_MISSING,
			"there is no CA yet; `inkan ca init` or the first start of the server makes it");
	for (size_t i = 0; i < n; i++)
		ca_print(a, db, &list[i]);
	return STATUS_OK;
}

enum status authority_crl_job(const struct job_run *run)
{
	struct local_ca *list;
	size_t n;
	when now = clock_now() / SECOND * SECOND;
	enum status s = local_ca_list(run->db, run->arena, &list, &n);
	for (size_t i = 0; s == STATUS_OK && i < n; i++) {
		struct local_crl crl;
		struct ca ca;
		s = local_crl_head(run->db, run->arena, list[i].generation, &crl);
		if (s != STATUS_OK || now - crl.this_update < local_settings.crl_renew)
			continue;
		s = authority_load(run->arena, run->db, list[i].generation, &ca);
		if (s == STATUS_OK && now < x509_not_after(ca.certificate))
			s = authority_crl(run->arena, run->db, &ca, now);
	}
	return s;
}
