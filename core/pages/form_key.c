/* The one-time key of a form: what tells the same form sent twice from two forms. */
#include "pages/handlers.h"

/* 128 random bits, so that nobody meets another's by chance. */
#define BYTES 16
#define CHARS 22 /* base64url of that, without padding */

char *form_key_new(struct arena *a)
{
	return crypto_token(a, BYTES);
}

bool form_key_ok(const char *key)
{
	if (!key || strlen(key) != CHARS)
		return false;
	for (; *key; key++)
		if (!((*key >= 'a' && *key <= 'z') || (*key >= 'A' && *key <= 'Z') ||
			    (*key >= '0' && *key <= '9') || *key == '-' || *key == '_'))
			return false;
	return true;
}
