/* Distinguished names: our text form, CN first, into X.509's. */
#include "name.h"

#include <openssl/obj_mac.h>

#define NAME_MAX_BYTES 250 /* what the upstream of the universities allows; the column is as wide */
#define PARTS_MAX 16

struct name_type {
	const char *key;
	int nid;
};

/* Those of RFC 4514 section 3 that a certificate for a person may need. */
static const struct name_type name_types[] = {
	{"CN", NID_commonName},
	{"OU", NID_organizationalUnitName},
	{"O", NID_organizationName},
	{"L", NID_localityName},
	{"ST", NID_stateOrProvinceName},
	{"C", NID_countryName},
	{"DC", NID_domainComponent},
};

static void name_release(void *name)
{
	X509_NAME_free(name);
}

static const struct name_type *name_type_find(const char *key)
{
	for (size_t i = 0; i < COUNT_OF(name_types); i++)
		if (text_same(name_types[i].key, key))
			return &name_types[i];
	return NULL;
}

/* Adds "KEY=value" at the end; OpenSSL's own table checks length and alphabet of each type. */
static enum status name_add(struct arena *a, X509_NAME *name, const char *part)
{
	const char *equals = strchr(part, '=');
	if (!equals)
		return cause(STATUS_INVALID, "subject part \"%s\" is not KEY=value", part);
	const char *key = text_trim(a, arena_stringn(a, part, (size_t)(equals - part)));
	const char *value = text_trim(a, equals + 1);
	const struct name_type *type = name_type_find(key);
	if (!type)
		return cause(STATUS_INVALID, "subject part \"%s\": %s is none of CN, OU, O, L, ST, C, DC",
			part, key);
	if (!text_clean(value, NAME_MAX_BYTES))
		return cause(STATUS_INVALID, "subject part %s is empty or holds control characters", key);
	if (X509_NAME_add_entry_by_NID(
		    name, type->nid, MBSTRING_UTF8, (const unsigned char *)value, -1, -1, 0) != 1) {
		(void)openssl_failed(
			"adding a part of a subject"); /* empties the queue; the reader needs the part */
		return cause(STATUS_INVALID,
			"subject part \"%s\" is too long or holds a character that %s may not", part, key);
	}
	return STATUS_OK;
}

enum status name_parse(struct arena *a, const char *text, X509_NAME **ret)
{
	size_t len = strlen(text);
	if (len == 0 || len > NAME_MAX_BYTES || strpbrk(text, "\\\"+<>;"))
		return cause(
			STATUS_INVALID, "subject \"%s\" is empty, too long, or would need escaping", text);
	const char *parts[PARTS_MAX];
	size_t n = 0;
	for (const char *at = text;;) {
		size_t part = strcspn(at, ",");
		if (n == PARTS_MAX)
			return cause(
				STATUS_INVALID, "subject \"%s\" has more than %d parts", text, PARTS_MAX);
		parts[n++] = arena_stringn(a, at, part);
		if (!at[part])
			break;
		at += part + 1;
	}
	X509_NAME *name = X509_NAME_new();
	ASSERT(name);
	arena_defer(a, name_release, name);
	while (n > 0) {
		enum status s = name_add(a, name, parts[--n]);
		if (s != STATUS_OK)
			return s;
	}
	*ret = name;
	return STATUS_OK;
}

const char *name_common(struct arena *a, const char *text)
{
	for (char **part = text_split(a, text, ","); *part; part++)
		if (text_starts(*part, "CN="))
			return *part + strlen("CN=");
	return text;
}
