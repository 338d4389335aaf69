/* Fuzzes the scan of SAML messages: it must end, refuse with a name or accept without one, and touch nothing that is not its own. Build:
 * clang -fsanitize=fuzzer,address,undefined with core/saml/message*.c and core/base; the first byte chooses the kind. */
#include "saml/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct message found;
	const char *check = NULL;

	if (size == 0)
		return 0;
	enum status s = message_scan(bytes_of(data + 1, size - 1),
		data[0] & 1 ? MESSAGE_ASSERTION : MESSAGE_RESPONSE, &found, &check);
	ASSERT((s == STATUS_OK) == (check == NULL));
	return 0;
}
