/* The elements and algorithms that a SAML response may contain, and where: data for the scan in message.c. */
#ifndef INKAN_SAML_MESSAGE_SHAPE_H
#define INKAN_SAML_MESSAGE_SHAPE_H

#include <stdbool.h>
#include <stddef.h>

/* Elements whose place matters. OTHER: any element that does not. */
enum part {
	PART_NONE, /* above the root */
	PART_OTHER,
	PART_RESPONSE,
	PART_ASSERTION,
	PART_ENCRYPTED_ASSERTION,
	PART_SIGNATURE,
	PART_SIGNED_INFO,
	PART_CANONICALIZATION,
	PART_SIGNATURE_METHOD,
	PART_REFERENCE,
	PART_TRANSFORMS,
	PART_TRANSFORM,
	PART_DIGEST_METHOD,
	PART_KEY_INFO,
	PART_ENCRYPTED_DATA,
	PART_ENCRYPTED_KEY,
	PART_ENCRYPTION_METHOD,
	PART_COUNT
};
#define PART_BIT(part) (1U << (part))

struct shape {
	const char *ns, *name;
	enum part part;
	unsigned parents;   /* PART_BIT()s of the elements that may contain it directly; 0: any place */
	int per_parent;	    /* how often at most; 0: any number */
	bool has_algorithm; /* must carry the attribute Algorithm, with a value that shape_algorithm() allows */
};

/* NULL: an element of signature or encryption that no response needs. Elements of other vocabularies are PART_OTHER. */
const struct shape *shape_of(const char *ns, const char *name);
/* Whether this algorithm is allowed for that part, standing in that parent. */
bool shape_algorithm(enum part part, enum part parent, const char *algorithm, size_t len);

#endif
