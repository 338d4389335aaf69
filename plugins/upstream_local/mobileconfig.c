/* Apple's configuration profile: a .p12 and the CA's certificate in one file that macOS, iOS and iPadOS install. */
#include "mobileconfig.h"

/* Two files of a few KB in base64, and little around them. */
#define PROFILE_MAX ((size_t)1024 * 1024)
#define HOST_MAX 253

/* As XML 1.0 wants text; what may not stand in it at all is left out. */
static void add_escaped(struct text *t, const char *s)
{
	for (; *s; s++) {
		if (*s == '&')
			text_add(t, "&amp;");
		else if (*s == '<')
			text_add(t, "&lt;");
		else if (*s == '>')
			text_add(t, "&gt;");
		else if ((unsigned char)*s >= 0x20)
			text_add_bytes(t, s, 1);
	}
}

static void add_string(struct text *t, const char *key, const char *value)
{
	text_addf(t, "<key>%s</key>\n<string>", key);
	add_escaped(t, value);
	text_add(t, "</string>\n");
}

static void add_data(struct text *t, const char *key, struct bytes data)
{
	text_addf(t, "<key>%s</key>\n<data>%s</data>\n", key, text_base64(t->arena, data));
}

/* "https://portal.example.ac.jp:8443" as "jp.ac.example.portal". */
static char *host_reversed(struct arena *a, const char *site)
{
	const char *host = strstr(site, "://");
	host = host ? host + 3 : site;
	char **labels = text_split(a, arena_stringn(a, host, strcspn(host, ":/")), ".");
	size_t n = 0;
	while (labels[n])
		n++;
	struct text t = text_new(a, HOST_MAX + 1);
	for (size_t i = n; i > 0; i--)
		text_addf(&t, "%s%s", labels[i - 1], i > 1 ? "." : "");
	return t.data;
}

/* A UUID of version 8 (RFC 9562 5.8): 122 bits of a digest, so that a profile installed twice replaces itself. */
static char *uuid(struct arena *a, const char *fingerprint, const char *what)
{
	uint8_t u[CRYPTO_DIGEST];
	memcpy(u, crypto_sha256(a, bytes_string(arena_printf(a, "%s %s", what, fingerprint))).data, sizeof u);
	u[6] = (uint8_t)((u[6] & 0x0f) | 0x80);
	u[8] = (uint8_t)((u[8] & 0x3f) | 0x80);
	const char *hex = text_hex(a, bytes_of(u, 16));
	return arena_printf(a, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

/* What every payload has, and the profile itself. */
static void add_common(
	struct text *t, const struct mobileconfig *p, const char *what, const char *type, const char *name)
{
	struct arena *a = t->arena;
	add_string(t, "PayloadIdentifier",
		arena_printf(a, "%s.inkan.%.16s%s%s", host_reversed(a, p->site), p->fingerprint,
			*what ? "." : "", what));
	add_string(t, "PayloadUUID", uuid(a, p->fingerprint, what));
	add_string(t, "PayloadType", type);
	text_add(t, "<key>PayloadVersion</key>\n<integer>1</integer>\n");
	add_string(t, "PayloadDisplayName", name);
}

static void add_file(struct text *t, const char *name, struct bytes content)
{
	add_string(t, "PayloadCertificateFileName", name);
	add_data(t, "PayloadContent", content);
}

struct bytes mobileconfig_make(struct arena *a, const struct mobileconfig *p)
{
	struct text t = text_new(a, PROFILE_MAX);
	text_add(&t, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		     "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "
		     "\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
		     "<plist version=\"1.0\">\n<dict>\n<key>PayloadContent</key>\n<array>\n<dict>\n");
	add_common(&t, p, "ca", "com.apple.security.root", p->ca_name);
	add_file(&t, "ca.cer", p->ca);
	text_add(&t, "</dict>\n<dict>\n");
	add_common(&t, p, "identity", "com.apple.security.pkcs12", p->name);
	add_file(&t, p->p12_name, p->p12);
	text_add(&t, "</dict>\n</array>\n");
	add_common(&t, p, "", "Configuration", p->name);
	add_string(&t, "PayloadOrganization", p->organization);
	add_string(&t, "PayloadDescription", p->description);
	text_add(&t, "<key>PayloadRemovalDisallowed</key>\n<false/>\n</dict>\n</plist>\n");
	ASSERT(!t.full);
	return bytes_of(t.data, t.len);
}
