/* Looks into an encrypted assertion before lasso decrypts it a second time: what is hidden there must pass the same scan as the rest
 * of the message, and lasso gives no place to stand between decryption and reading. The steps are lasso's own. */
#include "saml/decrypt.h"

#include <libxml/parser.h>
#include <xmlsec/xmlsec.h>
#include <xmlsec/xmltree.h>
#include <xmlsec/xmlenc.h>
#include <xmlsec/crypto.h>
#include <xmlsec/templates.h>

#include "saml/xml.h"

#define SAML "urn:oasis:names:tc:SAML:2.0:assertion"
#define DSIG "http://www.w3.org/2000/09/xmldsig#"
#define XENC "http://www.w3.org/2001/04/xmlenc#"

struct decrypt_key {
	xmlSecKeyPtr key;
};

static void key_release(void *key)
{
	xmlSecKeyDestroy(key);
}

enum status decrypt_key_load(struct arena *a, struct bytes pem, struct decrypt_key **ret)
{
	struct decrypt_key *k = arena_alloc(a, sizeof *k);

	k->key = xmlSecCryptoAppKeyLoadMemory(
		pem.data, (xmlSecSize)pem.len, xmlSecKeyDataFormatPem, NULL, NULL, NULL);
	if (!k->key)
		return cause(STATUS_INVALID, "the key is not a PEM file that xmlsec can read");
	arena_defer(a, key_release, k->key);
	*ret = k;
	return STATUS_OK;
}

static void context_release(void *context)
{
	xmlSecEncCtxDestroy(context);
}

/* Decrypts one EncryptedData or EncryptedKey with the key, which the context takes over. */
static xmlSecBufferPtr open_with(struct arena *a, xmlSecKeyPtr key, xmlEncCtxMode mode, xmlNode *node)
{
	xmlSecEncCtxPtr context = xmlSecEncCtxCreate(NULL);

	ASSERT(context);
	arena_defer(a, context_release, context);
	context->encKey = key;
	context->mode = mode;
	return xmlSecEncCtxDecryptToBuffer(context, node);
}

static xmlNode *find_key(xmlNode *encrypted, xmlNode *data)
{
	xmlNode *beside = xml_next(encrypted->children, XENC, "EncryptedKey");
	xmlNode *info = xml_next(data->children, DSIG, "KeyInfo");

	return beside ? beside : info ? xml_next(info->children, XENC, "EncryptedKey") : NULL;
}

enum status decrypt_assertion(
	struct arena *a, const struct decrypt_key *key, struct bytes response, struct bytes *ret)
{
	xmlDoc *doc;
	enum status s = xml_parse(a, "response", response, &doc);
	if (s)
		return s;
	xmlNode *root = xmlDocGetRootElement(doc);
	xmlNode *encrypted = root ? xml_next(root->children, SAML, "EncryptedAssertion") : NULL;
	xmlNode *data = encrypted ? xml_next(encrypted->children, XENC, "EncryptedData") : NULL;
	xmlNode *wrapped = data ? find_key(encrypted, data) : NULL;
	if (!wrapped)
		return cause(STATUS_DENIED, "an encrypted assertion has no EncryptedData or no EncryptedKey");

	xmlSecBufferPtr buffer =
		open_with(a, xmlSecKeyDuplicate(key->key), xmlEncCtxModeEncryptedKey, wrapped);
	if (!buffer)
		return cause(STATUS_DENIED, "the key of an encrypted assertion was not made for us");
	xmlSecKeyPtr session = xmlSecKeyReadBuffer(xmlSecKeyDataAesId, buffer);
	if (!session)
		return cause(STATUS_DENIED, "the key of an encrypted assertion is no AES key");
	buffer = open_with(a, session, xmlEncCtxModeEncryptedData, data);
	if (!buffer)
		return cause(STATUS_DENIED, "an encrypted assertion does not decrypt");
	*ret = bytes_of(arena_copy(a, xmlSecBufferGetData(buffer), xmlSecBufferGetSize(buffer)),
		xmlSecBufferGetSize(buffer));
	return STATUS_OK;
}
