/* Reads a received mail with GMime: headers decoded, the first text as UTF-8. */
#include "letter.h"

#include <gmime/gmime.h>

static void object_release(void *object)
{
	g_object_unref(object);
}

/* Whatever a sender calls UTF-8. */
static const char *checked(struct arena *a, const char *s)
{
	if (!s)
		return "";
	return text_utf8_valid(s, strlen(s)) ? arena_string(a, s) : text_loggable(a, s, 4000);
}

static const char *addresses(struct arena *a, GMimeMessage *message, GMimeAddressType type)
{
	char *s = internet_address_list_to_string(g_mime_message_get_addresses(message, type), NULL, FALSE);
	const char *copy = checked(a, s);
	g_free(s);
	return copy;
}

static void part_look(GMimeObject *parent, GMimeObject *part, gpointer context)
{
	GMimeObject **found = context;
	if (!*found && GMIME_IS_TEXT_PART(part))
		*found = part;
}

static const char *message_text(struct arena *a, GMimeMessage *message)
{
	GMimeObject *body = g_mime_message_get_mime_part(message), *found = NULL;
	if (!body)
		return "";
	if (GMIME_IS_MULTIPART(body))
		g_mime_multipart_foreach(GMIME_MULTIPART(body), part_look, &found);
	else
		part_look(NULL, body, &found);
	char *s = found ? g_mime_text_part_get_text(GMIME_TEXT_PART(found)) : NULL;
	const char *copy = checked(a, s);
	g_free(s);
	return copy;
}

struct letter letter_read(struct arena *a, struct bytes raw)
{
	struct letter empty = {"", "", "", "", ""};
	GMimeStream *stream = g_mime_stream_mem_new_with_buffer((const char *)raw.data, raw.len);
	arena_defer(a, object_release, stream);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	arena_defer(a, object_release, parser);
	GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
	if (!message)
		return empty;
	arena_defer(a, object_release, message);
	return (struct letter){
		.from = addresses(a, message, GMIME_ADDRESS_TYPE_FROM),
		.to = addresses(a, message, GMIME_ADDRESS_TYPE_TO),
		.date = checked(a, g_mime_object_get_header(GMIME_OBJECT(message), "Date")),
		.subject = checked(a, g_mime_message_get_subject(message)),
		.body = message_text(a, message),
	};
}
