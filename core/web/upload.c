/* Takes a form with a file: the body lies in anonymous memory outside the arena, and GMime finds its parts there. */
#include "web/upload.h"

#include <gmime/gmime.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "web/request_internal.h"

#define PIECE ((size_t)64 * 1024)
#define PARTS_MAX 16	/* our forms have three */
#define FIELD_MAX 4096	/* bytes of a plain field */
#define NAME_MAX_CHARS 255
#define TYPE_MAX 200	/* bytes of the content type; browsers' boundaries have 40 */
#define HEADERS_MAX 4096 /* bytes of a part's headers; a name of 255 characters makes about 1,000 */

struct uploads {
	struct upload items[PARTS_MAX];
	size_t n;
	int fd;
	void *map;
	size_t len;
	GMimeObject *form;
};

static atomic_flag taken = ATOMIC_FLAG_INIT;
static int64_t time_max = 5 * MINUTE;

void uploads_start(int64_t time)
{
	time_max = time;
}

bool upload_type(const char *type)
{
	static const char form[] = "multipart/form-data";
	size_t len = sizeof form - 1;

	return type && strncasecmp(type, form, len) == 0 && type[len] && strchr("; \t", type[len]);
}

static void release(void *context)
{
	struct uploads *u = context;

	if (u->form)
		g_object_unref(u->form);
	if (u->map)
		munmap(u->map, u->len);
	if (u->fd >= 0)
		close(u->fd);
	atomic_flag_clear(&taken);
}

static bool write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);
		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

/* The parser wants the header that announces the boundary before the body. */
static enum status body_take(struct request *rq, struct uploads *u, const struct request_source *source, const char *type, size_t len)
{
	struct arena *a = rq->arena;
	/* Each piece has a limit of its own in the server; a slow sender could make thousands of them last almost that long. */
	when end = clock_monotonic() + time_max;
	char *piece = arena_alloc(a, PIECE), more;
	const char *header = arena_printf(a, "Content-Type: %s\r\nMIME-Version: 1.0\r\n\r\n", type);

	u->fd = memfd_create("upload", MFD_CLOEXEC);
	if (u->fd < 0 || !write_all(u->fd, header, strlen(header)))
		return cause(STATUS_INTERNAL, "upload, no memory for it");
	for (size_t left = len; left;) {
		size_t want = left < PIECE ? left : PIECE;
		if (clock_monotonic() > end)
			return request_refuse(rq, cause(STATUS_INVALID, "upload took longer than %lld ms", (long long)time_max),
				_("The file took too long to arrive. Nothing was done. Please try again on a faster network connection."));
		if (source->read(source->from, piece, want) < want)
			return cause(STATUS_INVALID, "body ended before its %zu bytes were there", len);
		if (!write_all(u->fd, piece, want))
			return cause(STATUS_INTERNAL, "upload, no memory for it");
		left -= want;
	}
	if (source->read(source->from, &more, 1) > 0)
		return cause(STATUS_INVALID, "body is longer than the %zu bytes announced", len);
	u->len = strlen(header) + len;
	u->map = mmap(NULL, u->len, PROT_READ, MAP_PRIVATE, u->fd, 0);
	if (u->map == MAP_FAILED) {
		u->map = NULL;
		return cause(STATUS_INTERNAL, "upload, no memory for it");
	}
	return STATUS_OK;
}

static pthread_once_t library = PTHREAD_ONCE_INIT;

static void library_start(void)
{
	g_mime_init();
}

static bool begins(const char *s, const char *end, const char *word)
{
	return (size_t)(end - s) >= strlen(word) && strncasecmp(s, word, strlen(word)) == 0;
}

static bool holds(const char *s, const char *end, const char *word)
{
	for (; s < end; s++)
		if (begins(s, end, word))
			return true;
	return false;
}

/* Whatever the parser could take for the start of a part begins so. NULL: the type names no boundary. */
static const char *part_mark(struct arena *a, const char *type)
{
	GMimeContentType *parsed = g_mime_content_type_parse(NULL, type);
	const char *boundary = parsed ? g_mime_content_type_get_parameter(parsed, "boundary") : NULL;
	const char *mark = boundary && *boundary ? arena_printf(a, "--%s", text_trim(a, boundary)) : NULL;

	if (parsed)
		g_object_unref(parsed);
	return mark;
}

struct part_header {
	size_t len;
	bool inside, tells_type; /* the line before was of Content-Type: this one may go on with it */
};

static enum status header_line(struct part_header *h, const char *line, const char *end)
{
	if (*line == '\n' || (*line == '\r' && end - line == 2)) {
		h->inside = false;
		return STATUS_OK;
	}
	h->len += (size_t)(end - line);
	if (h->len > HEADERS_MAX)
		return cause(STATUS_INVALID, "upload, the headers of a part have more than %d bytes", HEADERS_MAX);
	if (*line != ' ' && *line != '\t')
		h->tells_type = begins(line, end, "Content-Type");
	/* Anywhere in it: a comment may stand in front. */
	if (h->tells_type && (holds(line, end, "multipart") || holds(line, end, "message")))
		return cause(STATUS_INVALID, "upload, a part of the form is itself in parts");
	return STATUS_OK;
}

/* The parser takes two hundred times the memory of parts and headers that hold nothing, and follows a part in parts however deep: a body
 * that no browser sends is refused before it sees it. */
static enum status shape_check(const struct uploads *u, const char *mark)
{
	const char *line = u->map, *end = line + u->len;
	struct part_header header = {0};
	enum status s = STATUS_OK;
	int parts = 0;

	while (s == STATUS_OK && line < end) {
		const char *next = memchr(line, '\n', (size_t)(end - line));
		next = next ? next + 1 : end;
		if (begins(line, end, mark)) {
			header = (struct part_header){.inside = true};
			if (++parts > PARTS_MAX + 1) /* the last mark is the end */
				s = cause(STATUS_INVALID, "upload, a form of more than %d parts", PARTS_MAX);
		} else if (header.inside) {
			s = header_line(&header, line, next);
		}
		line = next;
	}
	return s;
}

static enum status form_parse(struct uploads *u, struct arena *a, const char *type)
{
	pthread_once(&library, library_start);
	const char *mark = part_mark(a, type);
	if (!mark)
		return cause(STATUS_INVALID, "upload, its content type names no boundary");
	enum status s = shape_check(u, mark);
	if (s != STATUS_OK)
		return s;
	if (lseek(u->fd, 0, SEEK_SET) != 0)
		return cause(STATUS_INTERNAL, "upload, its memory cannot be read");
	GMimeStream *stream = g_mime_stream_fs_new(u->fd);
	g_mime_stream_fs_set_owner(GMIME_STREAM_FS(stream), FALSE);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	u->form = g_mime_parser_construct_part(parser, NULL);
	g_object_unref(parser);
	g_object_unref(stream);
	if (!u->form || !GMIME_IS_MULTIPART(u->form))
		return cause(STATUS_INVALID, "upload, the body is no form");
	return STATUS_OK;
}

/* Where the part's content lies in the body. The format knows no transfer encodings (RFC 7578, 4.7). */
static bool content_of(const struct uploads *u, GMimeObject *object, struct bytes *ret)
{
	if (!GMIME_IS_PART(object))
		return false;
	GMimeDataWrapper *content = g_mime_part_get_content(GMIME_PART(object));
	GMimeStream *stream = content ? g_mime_data_wrapper_get_stream(content) : NULL;
	GMimeContentEncoding encoding = content ? g_mime_data_wrapper_get_encoding(content) : GMIME_CONTENT_ENCODING_DEFAULT;
	if (!content) { /* an empty part */
		*ret = bytes_of("", 0);
		return true;
	}
	if (!stream || !GMIME_IS_STREAM_FS(stream) || encoding > GMIME_CONTENT_ENCODING_BINARY)
		return false;
	int64_t start = stream->bound_start, end = stream->bound_end < 0 ? (int64_t)u->len : stream->bound_end;
	if (start < 0 || end < start || (size_t)end > u->len)
		return false;
	*ret = bytes_of((const char *)u->map + start, (size_t)(end - start));
	return true;
}

static const char *parameter(struct arena *a, GMimeObject *object, const char *name)
{
	const char *value = g_mime_object_get_content_disposition_parameter(object, name);

	return value && text_utf8_valid(value, strlen(value)) ? arena_string(a, value) : NULL;
}

/* Plain fields become a form as all others are, and are judged by the same rules. */
static enum status part_take(struct request *rq, struct uploads *u, GMimeObject *object, struct text *fields)
{
	const char *disposition = g_mime_object_get_disposition(object);
	const char *name = parameter(rq->arena, object, "name"), *filename = parameter(rq->arena, object, "filename");
	struct bytes content;

	if (!text_same(disposition, "form-data") || !name || !content_of(u, object, &content))
		return cause(STATUS_INVALID, "upload, a part is no field of a form");
	if (g_mime_object_get_content_disposition_parameter(object, "filename")) {
		const char *shown = filename && text_clean(filename, NAME_MAX_CHARS) ? filename : "";
		if (content.len)
			u->items[u->n++] = (struct upload){.field = name, .filename = shown, .content = content};
		return STATUS_OK;
	}
	if (content.len > FIELD_MAX || memchr(content.data, 0, content.len))
		return cause(STATUS_INVALID, "upload, a plain field is too long or holds a zero byte");
	text_addf(fields, "%s%s=%s", fields->len ? "&" : "", text_url_encode(rq->arena, name),
		text_url_encode(rq->arena, arena_stringn(rq->arena, (const char *)content.data, content.len)));
	return STATUS_OK;
}

enum status upload_read(
	struct request *rq, const struct request_source *source, const char *type, size_t len, struct pairs *ret)
{
	struct text fields = text_new(rq->arena, (size_t)PARTS_MAX * FIELD_MAX * 4);

	if (strlen(type) > TYPE_MAX || !text_clean(type, TYPE_MAX))
		return cause(STATUS_INVALID, "upload, its content type is too long or not clean");
	if (atomic_flag_test_and_set(&taken)) {
		cause(STATUS_BUSY, "another file is being received");
		return request_fail(rq, STATUS_BUSY, 503,
			_("Another file is being received at this moment. Nothing was done; please try again in a minute."));
	}
	struct uploads *u = arena_alloc(rq->arena, sizeof *u);
	u->fd = -1;
	arena_defer(rq->arena, release, u);
	enum status s = body_take(rq, u, source, type, len);
	if (s == STATUS_OK)
		s = form_parse(u, rq->arena, type);
	int n = s == STATUS_OK ? g_mime_multipart_get_count(GMIME_MULTIPART(u->form)) : 0;
	if (n > PARTS_MAX)
		s = cause(STATUS_INVALID, "upload, a form of %d parts", n);
	for (int i = 0; s == STATUS_OK && i < n; i++)
		s = part_take(rq, u, g_mime_multipart_get_part(GMIME_MULTIPART(u->form), i), &fields);
	if (s != STATUS_OK)
		return s;
	rq->parts->uploads = u;
	return pairs_form(rq->arena, fields.data, fields.len, rq->parts->limits.fields_max, ret);
}

const struct upload *request_upload(const struct request *rq, const char *field)
{
	const struct uploads *u = rq->parts->uploads;

	for (size_t i = 0; u && i < u->n; i++)
		if (text_same(u->items[i].field, field))
			return &u->items[i];
	return NULL;
}
