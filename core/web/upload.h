/* Uploaded files: a form of multipart/form-data (RFC 7578), taken by routes with .upload only. */
#ifndef INKAN_WEB_UPLOAD_H
#define INKAN_WEB_UPLOAD_H

#include "web/request.h"

struct upload {
	const char *field;
	const char *filename; /* as the browser said it, valid UTF-8: for people to read, never a path */
	struct bytes content; /* lives as long as the request; its memory is given back with it */
};

/* The file of this field; NULL: none was sent, or an empty choice. Other fields come with request_field(). */
const struct upload *request_upload(const struct request *rq, const char *field);

/* What all of an upload may take to arrive, in ms. */
void uploads_start(int64_t time);

/* For the reader of forms: takes the body of len bytes, announced as content_type, and gives its plain fields in ret. One upload at a
 * time in the whole process (BUSY otherwise), so that the memory it takes is bounded by the route's body_max. INVALID: not a form, not as
 * long as announced, or, with a sentence, too slow: whoever sends a few bytes a second must not keep others from sending theirs. */
struct request_source;
struct pairs;
enum status upload_read(struct request *rq, const struct request_source *source, const char *content_type, size_t len,
	struct pairs *ret) MUST_CHECK;
bool upload_type(const char *content_type);

#endif
