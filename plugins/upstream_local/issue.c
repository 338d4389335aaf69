/* From an order with a key to a signed certificate and a .p12. */
#include "key.h"
#include "local.h"
#include "mobileconfig.h"
#include "name.h"
#include "p12.h"

static char *order_row(struct arena *a, const struct local_order *order)
{
	return arena_printf(a, "%llu", (unsigned long long)order->application);
}

static enum status order_key(struct arena *a, const struct local_order *order, EVP_PKEY **ret)
{
	struct bytes pkcs8;
	enum status s =
		seal_open(a, "local_order", order_row(a, order), "key_sealed", order->key_sealed, &pkcs8);
	return s == STATUS_OK ? key_read(a, pkcs8, ret) : s;
}

enum status order_pin(struct arena *a, const struct local_order *order, const char **ret)
{
	struct bytes pin;
	enum status s =
		seal_open(a, "local_order", order_row(a, order), "pin_sealed", order->pin_sealed, &pin);
	if (s == STATUS_OK)
		*ret = arena_stringn(a, (const char *)pin.data, pin.len);
	return s;
}

enum status issue_certificate(struct arena *a, struct db *db, const struct local_order *order, when now,
	struct local_certificate *ret)
{
	enum status s = local_certificate_get(db, a, order->application, ret);
	if (s != STATUS_MISSING)
		return s;
	const struct local_profile *profile = local_profile_find(order->type);
	if (!profile)
		return cause(
			STATUS_INTERNAL, "upstream_local.conf has no profile \"%s\" any more", order->type);
	const struct ca *ca = authority();
	now = now / SECOND * SECOND; /* a certificate knows whole seconds, and the row shall say the same */
	struct ca_request request = {
		.subject = order->subject,
		.key_usage = profile->key_usage,
		.eku = profile->eku,
		.mail = order->mail,
		.upn = order->upn,
		.not_before = now - local_settings.backdate / SECOND * SECOND,
		.not_after = clock_add_months(now, order->months) / SECOND * SECOND,
		.crl_url = local_publish_url(a, ca->generation, "ca.crl"),
		.ca_url = local_publish_url(a, ca->generation, "ca.cer"),
	};
	X509 *x;
	s = order_key(a, order, &request.key);
	if (s == STATUS_OK)
		s = ca_sign(a, ca, &request, &x);
	struct local_certificate c = {
		.application = order->application,
		.generation = ca->generation,
		.subject = order->subject,
		.mail = order->mail,
		.created_at = now,
	};
	if (s == STATUS_OK)
		s = x509_der(a, x, &c.der);
	if (s != STATUS_OK)
		return s;
	c.serial = x509_serial(a, x);
	c.fingerprint = x509_fingerprint(a, c.der);
	c.not_before = x509_not_before(x);
	c.not_after = x509_not_after(x);
	s = local_certificate_insert(db, &c);
	if (s == STATUS_OK)
		*ret = c;
	return s;
}

static enum status p12_of(struct arena *a, struct db *db, const struct local_order *order,
	const struct local_certificate *c, enum p12_format format, struct bytes *ret)
{
	struct ca ca;
	struct p12_content content = {
		.friendly_name = arena_printf(a, "%s (%u)", name_common(a, order->subject), order->number),
	};
	enum status s = authority_load(a, db, c->generation, &ca);
	if (s == STATUS_OK)
		s = order_pin(a, order, &content.pin);
	if (s == STATUS_OK)
		s = order_key(a, order, &content.key);
	if (s == STATUS_OK)
		s = x509_read(a, c->der, &content.certificate);
	if (s != STATUS_OK)
		return s;
	content.ca = ca.certificate;
	return p12_make(a, &content, format, ret);
}

enum status issue_p12_only(struct arena *a, struct db *db, const struct local_order *order,
	const struct local_certificate *c, const char *format, struct bytes *ret)
{
	enum p12_format f;
	if (!p12_format_parse(format, &f))
		return cause(STATUS_INVALID, "no format of a .p12 is called %s", format);
	return p12_of(a, db, order, c, f, ret);
}

/* The compatible .p12 in a configuration profile, in the words of this thread's language. */
static enum status profile_of(struct arena *a, struct db *db, const struct local_order *order,
	const struct local_certificate *c, struct bytes *ret)
{
	struct ca ca;
	struct mobileconfig profile = {
		.name = arena_printf(a, "%s (%u)", name_common(a, order->subject), order->number),
		.organization = site_title(i18n_lang()),
		.description = _("Your certificate, locked with the PIN of its application, and the certificate of the CA that issued it."),
		.site = site_base_url(),
		.fingerprint = c->fingerprint,
		.p12_name = arena_printf(a, "%s-%u.p12", order->type, order->number),
	};
	enum status s = p12_of(a, db, order, c, P12_COMPATIBLE, &profile.p12);
	if (s == STATUS_OK)
		s = authority_load(a, db, c->generation, &ca);
	if (s == STATUS_OK)
		s = x509_der(a, ca.certificate, &profile.ca);
	if (s != STATUS_OK)
		return s;
	profile.ca_name = x509_common_name(a, ca.certificate);
	*ret = mobileconfig_make(a, &profile);
	return STATUS_OK;
}

enum status issue_stored(struct arena *a, const struct local_order *order, struct local_file *ret)
{
	struct local_file file = {.format = order->p12_format, .sealed = order->p12_sealed};
	enum status s = seal_open(a, "local_order", order_row(a, order), "p12_sealed", file.sealed, &file.plain);
	if (s == STATUS_OK)
		*ret = file;
	return s;
}

enum status issue_file(struct arena *a, struct db *db, const struct local_order *order,
	const struct local_certificate *c, const char *format, struct local_file *ret)
{
	if (order->p12_sealed.len)
		return issue_stored(a, order, ret);
	struct local_file file = {.format = format};
	enum status s = text_same(format, LOCAL_APPLE) ? profile_of(a, db, order, c, &file.plain)
						       : issue_p12_only(a, db, order, c, format, &file.plain);
	if (s != STATUS_OK)
		return s;
	file.sealed = seal(a, "local_order", order_row(a, order), "p12_sealed", file.plain);
	s = local_order_set_p12(db, order->application, format, file.sealed);
	if (s == STATUS_OK)
		*ret = file;
	return s;
}
