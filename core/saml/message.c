/* Judges the bytes of a SAML message in one pass, with libxml2 as a tokenizer only. */
#include "saml/message.h"

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <strings.h>

#include "base/gnu.h"
#include "saml/message_shape.h"
#include "saml/refuse.h"

#define IDS_MAX 64	 /* elements with an ID; a response with one assertion has about 5 */
#define ID_BYTES_MAX 256 /* of one ID */
#define EQUALS_MAX                                                                                           \
	128 /* '=' between two '<': libxml2 compares the attributes of an element with each other, pair by pair */
#define ERROR_BYTES_MAX 200

struct frame { /* an open element */
	enum part part;
	unsigned char children[PART_COUNT];
	char id[ID_BYTES_MAX]; /* its attribute ID, "" when none */
};

struct scan {
	xmlParserCtxt *parser;
	enum message_kind kind;
	struct message found;
	size_t nodes;
	int depth;
	struct frame frames[MESSAGE_DEPTH_MAX + 1]; /* [0] is above the root */
	char ids[IDS_MAX][ID_BYTES_MAX];
	int id_count;
	int encrypted_keys;
	const char *check; /* set once: the first thing that was wrong */
	char why[512];
};

static void PRINTF(3, 4) refuse(struct scan *s, const char *check, const char *fmt, ...)
{
	va_list args;

	if (s->check)
		return;
	s->check = check;
	va_start(args, fmt);
	vsnprintf(s->why, sizeof s->why, fmt, args);
	va_end(args);
}

/* The last thing a callback does: stopping frees the text to which its arguments point. */
static void stop_if_refused(struct scan *s)
{
	if (s->check)
		xmlStopParser(s->parser);
}

/* libxml2 gives attributes as five pointers each: local name, prefix, namespace, begin and end of the value. */
struct attribute {
	const char *name, *prefix, *ns, *value, *end;
};

/* Whatever its namespace: xmlGetProp(), by which the libraries below us read, does not look at it either. */
static bool attribute_is(const struct attribute *at, const char *name)
{
	return strcmp(at->name, name) == 0;
}

static bool attribute_twice(const struct attribute *at, int n)
{
	for (int i = 1; i < n; i++) {
		for (int k = 0; k < i; k++) {
			if (strcmp(at[i].name, at[k].name) == 0)
				return true;
		}
	}
	return false;
}

static void id_note(struct scan *s, struct frame *frame, const struct attribute *at)
{
	size_t len = (size_t)(at->end - at->value);

	/* The names under which any of the libraries below us could look an element up. */
	if (strcasecmp(at->name, "id") != 0 && strcmp(at->name, "AssertionID") != 0 &&
		strcmp(at->name, "ResponseID") != 0)
		return;
	if (len == 0 || len >= ID_BYTES_MAX || s->id_count == IDS_MAX) {
		refuse(s, "structure", "an ID is empty or too long, or there are more than %d", IDS_MAX);
		return;
	}
	char *id = s->ids[s->id_count++];
	memcpy(id, at->value, len);
	id[len] = '\0';
	if (attribute_is(at, "ID"))
		memcpy(frame->id, id, len + 1);
	for (int i = 0; i < s->id_count - 1; i++) {
		if (strcmp(s->ids[i], id) == 0)
			refuse(s, "structure", "ID %s comes twice", id);
	}
}

/* A Reference must name the element in which its Signature stands, and nothing else. */
static void reference_judge(struct scan *s, const struct attribute *uri)
{
	/* frames: ... signed element, Signature, SignedInfo, Reference (depth) */
	const struct frame *signed_element = s->depth >= 3 ? &s->frames[s->depth - 3] : NULL;
	size_t len = uri ? (size_t)(uri->end - uri->value) : 0;

	if (!signed_element || !signed_element->id[0] || len != strlen(signed_element->id) + 1 ||
		uri->value[0] != '#' || memcmp(uri->value + 1, signed_element->id, len - 1) != 0)
		refuse(s, "structure", "a signature does not sign the element in which it stands");
}

static void algorithm_judge(
	struct scan *s, const struct shape *shape, const char *name, const struct attribute *at)
{
	enum part parent = s->frames[s->depth - 1].part;

	if (!shape->has_algorithm) {
		if (at)
			refuse(s, "algorithm", "element %.40s names an algorithm", name);
		return;
	}
	if (!at)
		refuse(s, "algorithm", "element %.40s names no algorithm", name);
	else if (!shape_algorithm(shape->part, parent, at->value, (size_t)(at->end - at->value)))
		refuse(s, "algorithm", "%.40s %.*s is not allowed", name,
			(int)(at->end - at->value < 100 ? at->end - at->value : 100), at->value);
}

static void place_judge(struct scan *s, const struct shape *shape, const char *name)
{
	struct frame *parent = &s->frames[s->depth - 1];

	if (shape->parents && !(shape->parents & PART_BIT(parent->part)))
		refuse(s, "structure", "element %.40s stands where it must not", name);
	else if (shape->per_parent && ++parent->children[shape->part] > shape->per_parent)
		refuse(s,
			shape->part == PART_ASSERTION || shape->part == PART_ENCRYPTED_ASSERTION
				? "assertions"
				: "structure",
			"element %.40s comes more than once", name);
	if (s->depth == 1 && shape->part != (s->kind == MESSAGE_RESPONSE ? PART_RESPONSE : PART_ASSERTION))
		refuse(s, "structure", "the message is a %.40s", name);
	s->found.assertions += shape->part == PART_ASSERTION || shape->part == PART_ENCRYPTED_ASSERTION;
	s->found.encrypted += shape->part == PART_ENCRYPTED_ASSERTION;
	s->found.signatures += shape->part == PART_SIGNATURE;
	s->encrypted_keys += shape->part == PART_ENCRYPTED_KEY;
	if (s->found.assertions > 1)
		refuse(s, "assertions", "there is more than one assertion");
	/* With two keys lasso and we might decrypt two different texts. */
	if (s->encrypted_keys > 1)
		refuse(s, "structure", "there is more than one encrypted key");
}

static void element_judge(
	struct scan *s, const char *ns, const char *name, const struct attribute *at, int attributes_n)
{
	const struct attribute *uri = NULL, *algorithm = NULL;
	const struct shape *shape;

	if (s->nodes > MESSAGE_NODES_MAX) {
		refuse(s, "nodes", "more than %d elements and attributes", MESSAGE_NODES_MAX);
		return;
	}
	if (++s->depth > MESSAGE_DEPTH_MAX) {
		refuse(s, "depth", "elements are nested more than %d deep", MESSAGE_DEPTH_MAX);
		return;
	}
	shape = shape_of(ns, name);
	if (!shape) {
		refuse(s, "structure", "element %.40s has no business in a response", name);
		return;
	}
	if (attribute_twice(at, attributes_n))
		refuse(s, "structure", "element %.40s has two attributes of one name", name);
	struct frame *frame = &s->frames[s->depth];
	*frame = (struct frame){.part = shape->part};
	for (int i = 0; i < attributes_n; i++) {
		if (attribute_is(&at[i], "Algorithm"))
			algorithm = &at[i];
		else if (attribute_is(&at[i], "URI"))
			uri = &at[i];
		id_note(s, frame, &at[i]);
	}
	place_judge(s, shape, name);
	algorithm_judge(s, shape, name, algorithm);
	if (shape->part == PART_REFERENCE)
		reference_judge(s, uri);
}

static void on_start(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *ns,
	int namespaces_n, const xmlChar **namespaces, int attributes_n, int defaulted_n,
	const xmlChar **attributes)
{
	struct scan *s = context;

	if (s->check)
		return;
	s->nodes += 1 + (size_t)namespaces_n + (size_t)attributes_n;
	element_judge(s, (const char *)ns, (const char *)name, (const void *)attributes, attributes_n);
	stop_if_refused(s);
}

/* A signature without exactly these parts is not one that we want xmlsec to think about. */
static void on_end(void *context, const xmlChar *local, const xmlChar *prefix, const xmlChar *ns)
{
	struct scan *s = context;
	const struct frame *frame = &s->frames[s->depth];

	if (s->check)
		return;
	const unsigned char *has = frame->children;
	if (frame->part == PART_SIGNATURE && !has[PART_SIGNED_INFO])
		refuse(s, "structure", "a signature signs nothing");
	if (frame->part == PART_SIGNED_INFO &&
		!(has[PART_REFERENCE] && has[PART_SIGNATURE_METHOD] && has[PART_CANONICALIZATION]))
		refuse(s, "structure", "a signature is incomplete");
	if (frame->part == PART_REFERENCE && !(has[PART_TRANSFORMS] && has[PART_DIGEST_METHOD]))
		refuse(s, "structure", "a reference is incomplete");
	if ((frame->part == PART_ENCRYPTED_DATA || frame->part == PART_ENCRYPTED_KEY) &&
		!has[PART_ENCRYPTION_METHOD])
		refuse(s, "algorithm", "an encryption names no algorithm");
	s->depth--;
	stop_if_refused(s);
}

static void refuse_kind(struct scan *s, const char *check, const char *why)
{
	refuse(s, check, "%s", why);
	stop_if_refused(s);
}

static void on_comment(void *context, const xmlChar *text)
{
	refuse_kind(context, "comment", "the message has a comment");
}

static void on_cdata(void *context, const xmlChar *text, int len)
{
	refuse_kind(context, "cdata", "the message has a CDATA section");
}

static void on_instruction(void *context, const xmlChar *target, const xmlChar *data)
{
	refuse_kind(context, "instruction", "the message has a processing instruction");
}

static void on_doctype(void *context, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
	refuse_kind(context, "doctype", "the message has a document type");
}

static void on_reference(void *context, const xmlChar *name)
{
	refuse_kind(context, "entity", "the message has an entity reference");
}

/* Predefined entities never come here; without a document type there are no others. */
static xmlEntity *on_entity(void *context, const xmlChar *name)
{
	refuse_kind(context, "entity", "the message has an entity reference");
	return NULL;
}

static void on_error(void *context, xmlError *error)
{
	/* Nothing: what was wrong is read from the parser afterwards, and libxml2 must not write to standard error. */
}

/* Only UTF-8: a second reader must not come to another text than the first. */
static bool encoding_fine(struct bytes xml)
{
	const char *text = (const char *)xml.data, *end, *at;

	if (!text_utf8_valid(text, xml.len))
		return false;
	if (xml.len < 5 || memcmp(text, "<?xml", 5) != 0)
		return true;
	end = memmem(text, xml.len < 200 ? xml.len : 200, "?>", 2);
	if (!end)
		return false;
	at = memmem(text, (size_t)(end - text), "encoding", 8);
	if (!at)
		return true;
	for (at += 8; at < end && strchr(" \t\r\n=\"'", *at);)
		at++;
	return end - at > 5 && strncasecmp(at, "utf-8", 5) == 0 && (at[5] == '"' || at[5] == '\'');
}

static bool attributes_bounded(struct bytes xml)
{
	int equals = 0;

	for (size_t i = 0; i < xml.len; i++) {
		if (xml.data[i] == '<')
			equals = 0;
		else if (xml.data[i] == '=' && ++equals > EQUALS_MAX)
			return false;
	}
	return true;
}

static void scan_parse(struct scan *s, struct bytes xml)
{
	xmlParserCtxt *parser = xmlCreateMemoryParserCtxt((const char *)xml.data, (int)xml.len);

	ASSERT(parser);
	*parser->sax = (xmlSAXHandler){
		.initialized = XML_SAX2_MAGIC,
		.startElementNs = on_start,
		.endElementNs = on_end,
		.comment = on_comment,
		.cdataBlock = on_cdata,
		.processingInstruction = on_instruction,
		.internalSubset = on_doctype,
		.externalSubset = on_doctype,
		.reference = on_reference,
		.getEntity = on_entity,
		.serror = on_error,
	};
	parser->userData = s;
	xmlCtxtUseOptions(parser, XML_PARSE_NONET);
	s->parser = parser;
	xmlParseDocument(parser);
	if (!s->check && !(parser->wellFormed && parser->nsWellFormed)) {
		const xmlError *error = xmlCtxtGetLastError(parser);

		const char *why = error && error->message ? error->message : "unknown";
		size_t len = strcspn(why, "\n");

		refuse(s, "xml", "not XML (line %d: %.*s)", error ? error->line : 0,
			(int)(len < ERROR_BYTES_MAX ? len : ERROR_BYTES_MAX), why);
	}
	xmlFreeParserCtxt(parser);
}

enum status message_scan(
	struct bytes xml, enum message_kind kind, struct message *ret, const char **ret_check)
{
	struct scan s = {.kind = kind};

	if (xml.len > MESSAGE_BYTES_MAX)
		return REFUSE(ret_check, "size", "the message has %zu bytes, %d are allowed", xml.len,
			MESSAGE_BYTES_MAX);
	if (xml.len == 0)
		return REFUSE(ret_check, "xml", "the message is empty");
	if (!encoding_fine(xml))
		return REFUSE(ret_check, "encoding", "the message is not UTF-8");
	if (!attributes_bounded(xml))
		return REFUSE(ret_check, "nodes", "an element has more than %d attributes", EQUALS_MAX);
	scan_parse(&s, xml);
	if (s.check)
		return REFUSE(ret_check, s.check, "%s", s.why);
	*ret = s.found;
	return STATUS_OK;
}

enum status message_decode(struct arena *a, const char *base64, struct bytes *ret, const char **ret_check)
{
	size_t len = base64 ? strlen(base64) : 0;
	struct bytes xml;

	/* Four characters for three bytes, and room for line ends. */
	if (len > MESSAGE_BYTES_MAX / 3 * 4 + MESSAGE_BYTES_MAX / 16)
		return REFUSE(ret_check, "size", "the message has %zu characters of base64", len);
	if (len == 0 || !text_unbase64(a, base64, &xml))
		return REFUSE(ret_check, "base64", "the message is not base64");
	if (xml.len > MESSAGE_BYTES_MAX)
		return REFUSE(ret_check, "size", "the message has %zu bytes, %d are allowed", xml.len,
			MESSAGE_BYTES_MAX);
	*ret = xml;
	return STATUS_OK;
}
