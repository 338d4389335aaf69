/* What a SAML message may look like: its size, its shape and its algorithms, judged before lasso reads a byte of it. */
#ifndef INKAN_SAML_MESSAGE_H
#define INKAN_SAML_MESSAGE_H

#include "base/text.h"

/* lasso's reading is quadratic in the number of elements (40,000 take 2.2 s), so hostile messages end here. A genuine response of a
 * talkative IdP has about 400 nodes and 20 KB. */
#define MESSAGE_BYTES_MAX 131072
#define MESSAGE_NODES_MAX 2000 /* elements, attributes and namespace declarations */
#define MESSAGE_DEPTH_MAX 32

enum message_kind {
	MESSAGE_RESPONSE, /* a samlp:Response as it arrived */
	MESSAGE_ASSERTION, /* a saml:Assertion as it came out of its encryption, which hid it from the first look */
};

struct message {
	int assertions; /* saml:Assertion and saml:EncryptedAssertion */
	int encrypted;	/* saml:EncryptedAssertion */
	int signatures;
};

/* Decodes a message of the POST binding: strict base64 (line ends allowed) within the limit. DENIED with ret_check "size", "base64". */
enum status message_decode(
	struct arena *a, const char *base64, struct bytes *ret, const char **ret_check) MUST_CHECK;

/* One pass over the bytes, without building a tree. Refused are: what is not UTF-8 ("encoding"), not XML ("xml"), too big ("nodes",
 * "depth"); comments, instructions, CDATA, document types and entities ("comment", "instruction", "cdata", "doctype", "entity"), which
 * can hide or cut a value without breaking its signature; every algorithm that is not on our list ("algorithm"); elements of SAML,
 * signature and encryption in places where they have no business, signatures that sign anything but the element in which they stand,
 * and repeated IDs ("structure"), which is how signatures are wrapped. DENIED, with ret_check as above. */
enum status message_scan(
	struct bytes xml, enum message_kind kind, struct message *ret, const char **ret_check) MUST_CHECK;

#endif
