/* Small helpers around libxml2: escaping, and reading of documents that an administrator gave us (metadata). */
#ifndef INKAN_SAML_XML_H
#define INKAN_SAML_XML_H

#include <libxml/tree.h>

#include "base/text.h"

/* Text as it may stand in XML, between tags or in a quoted attribute; NULL is "". */
char *xml_escape(struct arena *a, const char *s);

/* Parses without network, entities or output to stderr. INVALID with the parser's message, and the name of the document in front; a
 * document type is refused. The document lives as long as the arena. */
enum status xml_parse(struct arena *a, const char *name, struct bytes text, xmlDoc **ret) MUST_CHECK;

bool xml_is(const xmlNode *node, const char *ns, const char *name);
/* The first child element of that name at or behind the given sibling; NULL: none. Start with node->children. */
xmlNode *xml_next(xmlNode *sibling, const char *ns, const char *name);
/* NULL when the attribute is not there. */
char *xml_attribute(struct arena *a, const xmlNode *node, const char *name);
/* All text below the node, trimmed. */
char *xml_text(struct arena *a, const xmlNode *node);

/* libxml2 writes to standard error unless told otherwise, thread by thread. Before threads start. */
void xml_silence(void);

#endif
