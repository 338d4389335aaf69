/* Passwords in a file, hashed and compared by libcrypt. */
#include "base/password.h"

#include <crypt.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/config.h"
#include "base/crypto.h"
#include "base/text.h"

#define NAME_MAX_BYTES 64
#define FILE_MAX (64 * 1024) /* secret_read() takes no more */

struct line {
	const char *name, *hash;
};

/* ':' ends the name in the file and in HTTP's Basic authentication (RFC 7617 section 2). */
static bool name_ok(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= NAME_MAX_BYTES && name[0] != '#' && !strchr(name, ':') && text_clean(name, NAME_MAX_BYTES);
}

/* Hashed with the salt and method that hash begins with; NULL: it is none. */
static char *hashed(struct arena *a, const char *plain, const char *hash)
{
	struct crypt_data *data = arena_alloc(a, sizeof *data);
	char *out = crypt_rn(plain, hash, data, (int)sizeof *data);
	char *copy = out && out[0] != '*' ? arena_string(a, out) : NULL;

	OPENSSL_cleanse(data, sizeof *data);
	return copy;
}

static char *hash_new(struct arena *a, const char *plain)
{
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];

	if (!crypt_gensalt_rn(NULL, 0, NULL, 0, setting, sizeof setting))
		return NULL;
	return hashed(a, plain, setting);
}

/* Lines, ended by one without a name. */
static enum status lines_read(struct arena *a, const char *file, struct line **ret)
{
	struct secret content;
	enum status s = secret_read(a, file, &content);
	if (s != STATUS_OK)
		return s;
	char **texts = text_split(a, content.value, "\r\n");
	size_t n = 0, count = 0;
	while (texts[count])
		count++;
	struct line *lines = arena_array(a, count + 1, sizeof *lines);
	for (size_t i = 0; i < count; i++) {
		const char *colon = strchr(texts[i], ':');

		if (texts[i][0] == '#')
			continue;
		if (!colon || colon == texts[i] || !colon[1])
			return cause(STATUS_INVALID, "%s: line %zu is not NAME:HASH", file, i + 1);
		lines[n++] = (struct line){arena_stringn(a, texts[i], (size_t)(colon - texts[i])), colon + 1};
	}
	lines[n] = (struct line){0};
	*ret = lines;
	return STATUS_OK;
}

static char *proof_of(struct arena *a, const struct line *line)
{
	return text_hex(a, crypto_sha256(a, bytes_string(arena_printf(a, "%s:%s", line->name, line->hash))));
}

enum status password_check(struct arena *a, const char *file, const char *name, const char *plain, char **ret_proof)
{
	struct line *lines;
	const struct line *found = NULL;
	enum status s = lines_read(a, file, &lines);

	if (s != STATUS_OK)
		return s;
	for (const struct line *line = lines; line->name; line++)
		if (text_same(line->name, name))
			found = line;
	/* Of a name that is not there the work is done all the same, so that the time does not tell. */
	const struct line *model = found ? found : lines->name ? lines : NULL;
	char *hash = model && strlen(plain) <= PASSWORD_MAX ? hashed(a, plain, model->hash) : NULL;
	if (!found || !hash || !text_same_secret(hash, found->hash))
		return cause(STATUS_DENIED, "wrong name or password");
	if (ret_proof)
		*ret_proof = proof_of(a, found);
	return STATUS_OK;
}

bool password_proof_stands(struct arena *a, const char *file, const char *proof)
{
	struct line *lines;

	if (lines_read(a, file, &lines) != STATUS_OK)
		return false;
	for (const struct line *line = lines; line->name; line++)
		if (text_same_secret(proof_of(a, line), proof))
			return true;
	return false;
}

/* A new file in place of the old one: a reader sees one or the other, whole. */
static enum status file_replace(struct arena *a, const char *file, struct bytes content)
{
	const char *fresh = arena_printf(a, "%s.%ld.new", file, (long)getpid());
	int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	const uint8_t *at = content.data;
	size_t left = content.len;
	bool written = fd >= 0;

	while (written && left) {
		ssize_t n = write(fd, at, left);
		written = n > 0;
		at += written ? n : 0;
		left -= written ? (size_t)n : 0;
	}
	written = written && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	if (written && rename(fresh, file) == 0)
		return STATUS_OK;
	if (fd >= 0)
		unlink(fresh);
	return cause(STATUS_INVALID, "%s cannot be written", file);
}

enum status password_set(struct arena *a, const char *file, const char *name, const char *plain)
{
	struct line *lines = (struct line[]){{0}};
	struct text t = text_new(a, FILE_MAX);

	if (!name_ok(name))
		return cause(STATUS_INVALID, "a name has 1 to %d characters, without ':' and control characters", NAME_MAX_BYTES);
	if (!text_clean(plain, PASSWORD_MAX) || strlen(plain) > PASSWORD_MAX || strlen(plain) < PASSWORD_MIN)
		return cause(STATUS_INVALID, "a password has %d to %d characters, without control characters", PASSWORD_MIN, PASSWORD_MAX);
	if (access(file, F_OK) == 0) {
		enum status s = lines_read(a, file, &lines);
		if (s != STATUS_OK)
			return s;
	}
	const char *hash = hash_new(a, plain);
	if (!hash)
		return cause(STATUS_INTERNAL, "libcrypt has no method to hash a password with");
	for (const struct line *line = lines; line->name; line++)
		if (!text_same(line->name, name))
			text_addf(&t, "%s:%s\n", line->name, line->hash);
	text_addf(&t, "%s:%s\n", name, hash);
	if (t.full)
		return cause(STATUS_INVALID, "%s would have more than %d bytes", file, FILE_MAX);
	return file_replace(a, file, bytes_of(t.data, t.len));
}
