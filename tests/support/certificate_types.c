/* The least that pages need to know of a certificate type and of who issues. */
#include "support/certificate_types.h"

static struct validity validities[] = {{"5", 52, "", ""}, {"14", 25, "", ""}};
struct certificate_settings test_client_settings = {.upstream = "upstream_local",
	.subject = "CN=%u.%n,OU=Test,C=JP",
	.validity = {COUNT_OF(validities), validities},
	.renew_days = 60};
static const struct certificate_type client_type = {.title = "Client certificate",
	.button = "Apply for a client certificate",
	.purpose = "For tests.",
	.settings = &test_client_settings};
const struct plugin test_client = {.abi = INKAN_ABI, .name = "client", .type = &client_type};

static enum status submit(const struct upstream_call *call, struct upstream_order *orders, size_t n)
{
	return STATUS_OK;
}

struct upstream test_upstream = {.title = "Test service", .submit = submit};
const struct plugin test_local = {.abi = INKAN_ABI, .name = "upstream_local", .upstream = &test_upstream};

enum status test_one_per_address(
	struct arena *a, unsigned number, const struct user *user, struct order *order)
{
	order->live_key = arena_printf(a, "%llu:%s", (unsigned long long)user->id, order->mail);
	return STATUS_OK;
}
