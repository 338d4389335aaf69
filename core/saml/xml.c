/* Small helpers around libxml2: escaping, and reading of documents that an administrator gave us (metadata). */
#include "saml/xml.h"

#include <libxml/parser.h>
#include <libxml/xmlerror.h>

char *xml_escape(struct arena *a, const char *s)
{
	struct text t = text_new(a, SIZE_MAX / 4);

	for (; s && *s; s++) {
		switch (*s) {
		case '<':
			text_add(&t, "&lt;");
			break;
		case '>':
			text_add(&t, "&gt;");
			break;
		case '&':
			text_add(&t, "&amp;");
			break;
		case '"':
			text_add(&t, "&quot;");
			break;
		case '\'':
			text_add(&t, "&#39;");
			break;
		default:
			text_add_bytes(&t, s, 1);
		}
	}
	return t.data;
}

static void doc_release(void *doc)
{
	xmlFreeDoc(doc);
}

static void context_release(void *context)
{
	xmlFreeParserCtxt(context);
}

enum status xml_parse(struct arena *a, const char *name, struct bytes text, xmlDoc **ret)
{
	xmlParserCtxt *parser = xmlNewParserCtxt();
	xmlDoc *doc;

	ASSERT(parser);
	arena_defer(a, context_release, parser);
	if (text.len > INT_MAX)
		return cause(STATUS_INVALID, "%s: too large for XML", name);
	doc = xmlCtxtReadMemory(parser, (const char *)text.data, (int)text.len, NULL, NULL,
		XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	if (!doc) {
		const xmlError *error = xmlCtxtGetLastError(parser);

		return cause(STATUS_INVALID, "%s:%d: not XML (%s)", name, error ? error->line : 0,
			error && error->message ? error->message : "empty");
	}
	arena_defer(a, doc_release, doc);
	if (doc->intSubset)
		return cause(STATUS_INVALID, "%s: has a document type, which is refused", name);
	*ret = doc;
	return STATUS_OK;
}

bool xml_is(const xmlNode *node, const char *ns, const char *name)
{
	return node->type == XML_ELEMENT_NODE && node->ns && text_same((const char *)node->ns->href, ns) &&
	       text_same((const char *)node->name, name);
}

xmlNode *xml_next(xmlNode *sibling, const char *ns, const char *name)
{
	while (sibling && !xml_is(sibling, ns, name))
		sibling = sibling->next;
	return sibling;
}

char *xml_attribute(struct arena *a, const xmlNode *node, const char *name)
{
	xmlChar *value = xmlGetProp(node, (const xmlChar *)name);
	char *copy = arena_string(a, (const char *)value);

	xmlFree(value);
	return copy;
}

char *xml_text(struct arena *a, const xmlNode *node)
{
	xmlChar *value = xmlNodeGetContent(node);
	char *copy = text_trim(a, value ? (const char *)value : "");

	xmlFree(value);
	return copy;
}

static void ignore_structured(void *context, xmlError *error)
{
}

static void PRINTF(2, 3) ignore_generic(void *context, const char *fmt, ...)
{
}

void xml_silence(void)
{
	xmlSetGenericErrorFunc(NULL, ignore_generic);
	xmlSetStructuredErrorFunc(NULL, ignore_structured);
	xmlThrDefSetGenericErrorFunc(NULL, ignore_generic);
	xmlThrDefSetStructuredErrorFunc(NULL, ignore_structured);
}
