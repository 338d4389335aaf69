/* Reads the files that an administrator configured for SAML: certificates and metadata. */
#include "saml/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static enum status take(struct arena *a, int fd, const char *path, size_t max, struct bytes *ret)
{
	struct stat st;
	size_t len = 0;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return cause(STATUS_INVALID, "%s: not a regular file", path);
	if (st.st_size <= 0 || (size_t)st.st_size > max)
		return cause(STATUS_INVALID, "%s: is empty or larger than %zu bytes", path, max);
	char *data = arena_alloc(a, (size_t)st.st_size + 1);
	while (len < (size_t)st.st_size) {
		ssize_t n = read(fd, data + len, (size_t)st.st_size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return cause(STATUS_INVALID, "%s: cannot be read (%s)", path,
				n < 0 ? strerror(errno) : "it shrinks");
		len += (size_t)n;
	}
	if (memchr(data, '\0', len))
		return cause(STATUS_INVALID, "%s: is not a text file", path);
	*ret = bytes_of(data, len);
	return STATUS_OK;
}

enum status file_read(struct arena *a, const char *path, size_t max, struct bytes *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	enum status s;

	if (fd < 0)
		return cause(STATUS_INVALID, "%s: cannot be opened (%s)", path, strerror(errno));
	s = take(a, fd, path, max, ret);
	close(fd);
	return s;
}
