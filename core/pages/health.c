/* How the core is: database, schema, clocks, audit trail, and what log-ins depend on. */
#include "pages/handlers.h"

#include "saml/saml.h"
#include "store/audit_find.h"
#include "store/health.h"

/* Of the answer to a few look-ups by key: a database that needs longer makes every page slow. */
#define ROUND_TRIP_WARN 500
/* Between this host and the database's. Leases are minutes long; beyond a minute, times that hosts compare would be wrong. */
#define CLOCK_WARN (5 * SECOND)
#define CLOCK_BAD MINUTE
/* The trail is chained every second. */
#define UNCHAINED_WARN MINUTE
#define UNCHAINED_BAD (15 * MINUTE)

/* It is verified once a day. */
#define VERIFIED_WARN (3 * DAY)

#define OWN_ITEMS 5

static enum health judge(when value, when warn, when bad)
{
	return value >= bad ? HEALTH_BAD : value >= warn ? HEALTH_WARN : HEALTH_GOOD;
}

static void database_fill(struct arena *a, struct health_item *items, const struct health_facts *facts, when took)
{
	when now = clock_now(), apart = facts->database_clock - now, waits = facts->unchained_since ? now - facts->unchained_since : 0;

	apart = apart < 0 ? -apart : apart;
	items[0] = (struct health_item){.name = "database", .title = _("Database: answer time"), .value = arena_printf(a, "%lld ms", (long long)took),
		.state = judge(took, ROUND_TRIP_WARN, INT64_MAX)};
	items[1] = (struct health_item){.name = "schema", .title = _("Database: schema"),
		.value = arena_printf(a, "core %lld, %s", (long long)facts->migrations, clock_show(a, facts->migrated_at, i18n_lang()))};
	items[2] = (struct health_item){.name = "clock", .title = _("Difference to the database's clock"),
		.value = arena_printf(a, "%lld.%lld s", (long long)(apart / SECOND), (long long)(apart % SECOND / 100)),
		.state = judge(apart, CLOCK_WARN, CLOCK_BAD)};
	items[3] = (struct health_item){.name = "audit", .title = _("Audit trail: records not yet sealed"),
		.value = facts->unchained ? arena_printf(a, "%lld, %s %s", (long long)facts->unchained, _("since"),
						    clock_show(a, facts->unchained_since, i18n_lang()))
					  : "0",
		.state = judge(waits, UNCHAINED_WARN, UNCHAINED_BAD)};
}

static enum status verification_fill(struct arena *a, struct db *db, struct health_item *item)
{
	struct audit_check *last;
	size_t n;
	enum status s = audit_check_list(db, a, 1, &last, &n);

	if (s != STATUS_OK)
		return s;
	*item = (struct health_item){.name = "audit-verified", .title = _("Audit trail: last verification"), .value = _("not verified yet")};
	if (n == 0)
		return STATUS_OK;
	item->value = arena_printf(a, "%s, %s", last->whole ? _("unbroken") : _("BROKEN: see the audit trail"),
		clock_show(a, last->ended_at, i18n_lang()));
	item->state = !last->whole ? HEALTH_BAD : clock_now() - last->ended_at > VERIFIED_WARN ? HEALTH_WARN : HEALTH_GOOD;
	return STATUS_OK;
}

static struct health_item expiry_item(struct arena *a, const struct saml_expiry *e, size_t i)
{
	struct health_item item = {.expires = e->at, .value = e->idp ? saml_idp_name(e->idp, i18n_lang()) : NULL};

	switch (e->what) {
	case SAML_EXPIRY_OWN:
		item.name = "saml";
		item.title = _("Certificate of this service provider (SAML)");
		break;
	case SAML_EXPIRY_IDP:
		item.name = arena_printf(a, "idp-certificate-%zu", i);
		item.title = _("Certificate of an identity provider");
		break;
	default:
		item.name = arena_printf(a, "idp-metadata-%zu", i);
		item.title = _("Metadata of an identity provider");
	}
	return item;
}

const struct health_item *core_health(struct arena *a, struct db *db)
{
	const struct saml_expiry *expiries = saml_expiries(a);
	struct health_facts facts;
	size_t n = 0;

	while (expiries[n].what)
		n++;
	struct health_item *items = arena_array(a, OWN_ITEMS + n + 1, sizeof *items);
	when begun = clock_monotonic();
	if (health_facts_get(db, a, &facts) != STATUS_OK)
		return NULL;
	database_fill(a, items, &facts, clock_monotonic() - begun);
	if (verification_fill(a, db, &items[4]) != STATUS_OK)
		return NULL;
	for (size_t i = 0; i < n; i++)
		items[OWN_ITEMS + i] = expiry_item(a, &expiries[i], i);
	return items;
}
