/* Apple's configuration profile: a .p12 and the CA's certificate in one file that macOS, iOS and iPadOS install. */
#ifndef UPSTREAM_LOCAL_MOBILECONFIG_H
#define UPSTREAM_LOCAL_MOBILECONFIG_H

#include "plugin.h"

#define MOBILECONFIG_TYPE "application/x-apple-aspen-config"

struct mobileconfig {
	const char *name;	  /* as the device lists the profile */
	const char *organization; /* who made it */
	const char *description;
	const char
		*site; /* address of the site, "https://HOST[:PORT]": the identifiers begin with its host */
	const char *
		fingerprint; /* of the user's certificate: the same certificate always makes the same identifiers */
	const char *p12_name, *ca_name;
	struct bytes p12, ca; /* a .p12 that Apple's importers open (3DES); a self-signed certificate, DER */
};
/* A property list in XML after Apple's "Configuration Profile Reference" (com.apple.security.pkcs12, com.apple.security.root), neither
 * signed nor encrypted; the password of the .p12 is not in it, and the device asks for it. */
struct bytes mobileconfig_make(struct arena *a, const struct mobileconfig *profile);

#endif
