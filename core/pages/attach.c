/* Imported certificates find their owner when he logs in. */
#include "pages/handlers.h"

#include "store/application_import.h"

enum status attach_waiting(struct db *db, struct arena *a, const struct user *user)
{
	const char **types = arena_array(a, plugin_count() + 1, sizeof *types);
	size_t n = 0, attached = 0;

	/* Whoever runs an IdP could else take certificates of others by asserting their addresses. */
	if (!site_mail_allowed(user))
		return STATUS_OK;
	for (size_t i = 0; i < plugin_count(); i++)
		if (certificate_type_live_by_mail(plugin_at(i)))
			types[n++] = plugin_at(i)->name;
	enum status s = application_attach(db, a, user, types, &attached);
	if (s == STATUS_OK && attached)
		log_info("login, user %llu was given %zu imported certificates", (unsigned long long)user->id, attached);
	return s;
}
