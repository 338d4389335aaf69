/* Tests of what the details page says in every state and at every time: both states, the two buttons, in both languages. */
#include "support/check.h"

#include "support/applications.h"
#include "support/certificate_types.h"
#include "support/mariadb.h"
#include "support/pages.h"

static struct arena *a;
static struct db *db;
static struct user taro;
static const char *session;

static const struct certificate_type card_type = {.title = "Card",
	.button = "Card",
	.purpose = "For tests.",
	.settings = &test_client_settings,
	.no_pin = true,
	.no_renewal = true};
static const struct plugin card = {.abi = INKAN_ABI, .name = "card", .type = &card_type};

static int set_up(void **state)
{
	test_client_settings.validity.n = 1;
	a = pages_test_open((const struct plugin *const[]){&test_client, &card, &test_local, NULL}, NULL, &db);
	return 0;
}

static int fresh(void **state)
{
	mariadb_clear();
	(void)pages_clock(0);
	taro = test_user(db, a, "taro");
	session = pages_session(&taro);
	return 0;
}

/* The text of the first element after from whose tag has this; from goes on behind it. */
static const char *text_after(const char **from, const char *mark)
{
	const char *at = strstr(*from, mark);

	if (!at)
		fail_msg("the page does not have %s", mark);
	at = strchr(at, '>');
	assert_non_null(at);
	*from = at + 1;
	return arena_stringn(a, at + 1, strcspn(at + 1, "<"));
}

struct seen {
	const char *phase, *certificate;
	bool revoke, renew;
};

static bool enabled(const char *page, const char *button)
{
	const char *at = strstr(page, button);

	assert_non_null(at);
	return !memmem(at, strcspn(at, ">"), " disabled", strlen(" disabled"));
}

static struct seen seen_at(const char *lang, const char *path)
{
	struct answer answer = pages_get(lang, session, path);
	const char *at = answer.page;
	struct seen seen;

	assert_int_equal(answer.http, 200);
	seen.phase = text_after(&at, "data-announce");
	seen.certificate = text_after(&at, "<span class=\"state ");
	seen.revoke = enabled(answer.page, "id=\"revoke-button\"");
	seen.renew = enabled(answer.page, "id=\"renew-button\"");
	return seen;
}

static void expect(unsigned number, const char *what, const char *ja, const char *ja_certificate, bool revoke, bool renew)
{
	const char *path = arena_printf(a, "/client/%u", number);
	struct seen seen = seen_at("ja", path), english = seen_at("en", path);
	const char *letter = english.phase;

	if (!text_same(seen.phase, ja) || !text_same(seen.certificate, ja_certificate))
		fail_msg("%s: %s / %s, not %s / %s", what, seen.phase, seen.certificate, ja, ja_certificate);
	if (seen.revoke != revoke || seen.renew != renew)
		fail_msg("%s: revoke %d renew %d, not %d %d", what, seen.revoke, seen.renew, revoke, renew);
	for (; *letter; letter++)
		if ((unsigned char)*letter >= 0x80)
			fail_msg("%s: not English: %s", what, english.phase);
	/* Pressing is what the button says: the question, or in words why not. */
	struct answer ask = pages_get("ja", session, arena_printf(a, "%s/revoke", path));
	assert_int_equal(ask.http, revoke ? 200 : 409);
	assert_non_null(strstr(ask.page, revoke ? "【注意】証明書を失効化します。一度失効すると、再有効化はできません。よろしいですか？"
						: "失効申請はできません"));
	ask = pages_get("ja", session, arena_printf(a, "%s/renew", path));
	assert_int_equal(ask.http, renew ? 200 : 409);
	assert_non_null(strstr(ask.page, renew ? "更新申請の確認" : "更新申請はできません"));
}

static const struct {
	enum application_state state;
	const char *phase, *certificate;
	bool revoke, renew;
	const char *later, *later_certificate; /* a year and a half on */
} phases[] = {
	{APPLICATION_ACCEPTED, "新規申請前", "申請中", false, false, "新規申請前", "申請中"},
	{APPLICATION_SENT, "新規申請中", "申請中", false, false, "新規申請中", "申請中"},
	{APPLICATION_PIN, "新規申請PIN取得済", "未取得", false, false, "取得期限切れ", "未取得"},
	{APPLICATION_TAKEN, "有効", "有効", true, true, "期限切れ", "期限切れ"},
	{APPLICATION_ERROR, "エラー", "エラー", false, false, "エラー", "エラー"},
	{APPLICATION_REVOKE_ACCEPTED, "失効申請前", "有効", false, false, "失効申請前", "期限切れ"},
	{APPLICATION_REVOKE_SENT, "失効申請中", "有効", false, false, "失効申請中", "期限切れ"},
	{APPLICATION_REVOKE_ERROR, "エラー", "有効", true, true, "エラー", "期限切れ"},
	{APPLICATION_REVOKED, "失効済", "失効", false, false, "失効済", "失効"},
};

static void every_phase_has_its_labels_and_buttons(void **state)
{
	for (size_t i = 0; i < COUNT_OF(phases); i++) {
		const char *what = application_state_name(phases[i].state);
		struct application app = test_in_state(db, a, &taro, phases[i].state);
		expect(app.number, what, phases[i].phase, phases[i].certificate, phases[i].revoke, phases[i].renew);
		if (!pages_clock(540 * DAY))
			skip();
		expect(app.number, what, phases[i].later, phases[i].later_certificate, false, false);
		(void)pages_clock(0);
	}
}

static struct application renewal_of(const struct application *old)
{
	struct order order = test_order(&taro);
	struct application made;
	bool again;
	const char *why = "";

	order.renews = old->id;
	check_ok(application_create(db, a, &taro, &order, test_completion(NULL), &made, &again, &why));
	return made;
}

static void a_renewal_has_labels_of_its_own(void **state)
{
	struct application old = test_in_state(db, a, &taro, APPLICATION_TAKEN), new = renewal_of(&old);

	expect(new.number, "renewal, accepted", "更新申請前", "申請中", false, false);
	expect(old.number, "the old one meanwhile", "有効", "有効", true, false);
	test_moves(db, a, new.id, EVENT_SUBMITTED);
	expect(new.number, "renewal, sent", "更新申請中", "申請中", false, false);
	test_moves(db, a, new.id, EVENT_PIN);
	expect(new.number, "renewal, PIN", "更新申請PIN取得済", "未取得", false, false);
	if (!pages_clock(29 * DAY))
		skip();
	expect(new.number, "renewal, missed", "取得(更新)期限切れ", "未取得", false, false);
	/* The old one is as it was, and may be renewed once more. */
	expect(old.number, "the old one after a missed renewal", "有効", "有効", true, true);
	assert_non_null(strstr(pages_get("ja", session, arena_printf(a, "/client/%u", new.number)).page,
		arena_printf(a, "現在の証明書（申請番号 %u）に変更はなく、引き続き有効です。", old.number)));
	struct application second = renewal_of(&old);
	expect(old.number, "the old one with a second renewal", "有効", "有効", true, false);
	/* Late but real. */
	test_moves(db, a, new.id, EVENT_TAKEN);
	expect(new.number, "taken late", "有効(更新)", "有効", true, true);
	test_moves(db, a, second.id, EVENT_REJECTED);
	expect(second.number, "renewal, refused", "エラー", "エラー", false, false);
	/* What counts for the old one is the renewal that lives, not the newest. */
	expect(old.number, "the old one, renewed late", "有効", "有効", true, false);
}

static void a_revocation_lets_the_renewal_go_on(void **state)
{
	struct application old = test_in_state(db, a, &taro, APPLICATION_TAKEN), new = renewal_of(&old);

	test_moves(db, a, new.id, EVENT_SUBMITTED);
	test_moves(db, a, old.id, EVENT_REVOKE_ASKED);
	expect(old.number, "revocation asked for", "失効申請前", "有効", false, false);
	test_moves(db, a, old.id, EVENT_REVOKE_SUBMITTED);
	test_moves(db, a, old.id, EVENT_REVOKED);
	expect(old.number, "revoked", "失効済", "失効", false, false);
	expect(new.number, "its renewal", "更新申請中", "申請中", false, false);
	test_moves(db, a, new.id, EVENT_PIN);
	test_moves(db, a, new.id, EVENT_TAKEN);
	expect(new.number, "its renewal, taken", "有効(更新)", "有効", true, true);
}

static void cards_have_labels_of_their_own(void **state)
{
	struct application app = test_in_state(db, a, &taro, APPLICATION_SENT);

	mariadb_exec("UPDATE application SET type = 'card', handover = 1");
	struct seen seen = seen_at("ja", "/card/1");
	assert_string_equal(seen.phase, "新規UPKI-PASS申請中");
	assert_false(seen.revoke || seen.renew);
	test_moves(db, a, app.id, EVENT_HANDED_OVER);
	seen = seen_at("ja", "/card/1");
	assert_string_equal(seen.phase, "新規UPKI-PASS申請済");
	assert_string_equal(seen.certificate, "有効");
	assert_true(seen.revoke);
	assert_false(seen.renew);
	assert_int_equal(pages_get("ja", session, "/card/1/renew").http, 409);
	test_moves(db, a, app.id, EVENT_REVOKE_ASKED);
	assert_string_equal(seen_at("ja", "/card/1").phase, "失効申請前");
}

static void news_come_with_every_move(void **state)
{
	static const enum event_kind kinds[] = {EVENT_SUBMITTED, EVENT_PIN, EVENT_TAKEN, EVENT_REVOKE_ASKED,
		EVENT_REVOKE_SUBMITTED, EVENT_REVOKE_REJECTED, EVENT_REVOKED};
	struct application app = test_application(db, a, &taro);
	struct answer before = pages_get("en", session, "/client/1/status");

	assert_string_equal(pages_get("en", session, "/client/1/status").etag, before.etag);
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		test_moves(db, a, app.id, kinds[i]);
		struct answer after = pages_get("en", session, "/client/1/status");
		assert_string_not_equal(after.etag, before.etag);
		/* Asks on exactly while something may still come by itself. */
		bool waits = kinds[i] != EVENT_TAKEN && kinds[i] != EVENT_REVOKE_REJECTED && kinds[i] != EVENT_REVOKED;
		assert_true(!strstr(after.page, "data-waits") == !waits);
		assert_non_null(strstr(after.page, "id=\"actions\" data-live"));
		before = after;
	}
}

#define NEXT(step) "<li aria-current=\"step\">" step
#define STEP_APPLY NEXT("Choose the certificate")
#define STEP_PIN NEXT("The details page")
#define STEP_DOWNLOAD NEXT("Open the address")

/* The welcome leads to the first certificate, and goes when that was taken. */
static void welcome(const char *path, const char *step)
{
	static const char *const steps[] = {STEP_APPLY, STEP_PIN, STEP_DOWNLOAD};
	struct answer page = pages_get("en", session, path);

	assert_int_equal(page.http, 200);
	assert_int_equal(strstr(page.page, "id=\"first-title\"") != NULL, step != NULL);
	for (size_t i = 0; i < COUNT_OF(steps); i++)
		if ((strstr(page.page, steps[i]) != NULL) != text_same(steps[i], step))
			fail_msg("%s: not as it should be: %s", path, steps[i]);
}

static void the_welcome_stays_until_the_first_certificate(void **state)
{
	welcome("/", STEP_APPLY);
	(void)test_in_state(db, a, &taro, APPLICATION_ERROR);
	welcome("/", STEP_APPLY);
	struct application pin = test_in_state(db, a, &taro, APPLICATION_PIN),
			   newer = test_in_state(db, a, &taro, APPLICATION_SENT);
	/* What is ready comes before what is newer. */
	welcome("/", STEP_DOWNLOAD);
	assert_non_null(strstr(pages_get("en", session, "/").page,
		arena_printf(a, "<a href=\"/client/%u\">Certificate details (application %u)</a>", pin.number,
			pin.number)));
	welcome("/?valid=1", NULL); /* that does not tell all */
	welcome("/?q=nothing", NULL);
	if (pages_clock(29 * DAY))
		welcome("/", STEP_PIN); /* the other was missed */
	(void)pages_clock(0);
	test_moves(db, a, newer.id, EVENT_PIN);
	test_moves(db, a, newer.id, EVENT_TAKEN);
	welcome("/", NULL);
	(void)test_in_state(db, a, &taro, APPLICATION_PIN);
	welcome("/", NULL); /* the next one is not the first */
	test_moves(db, a, newer.id, EVENT_REVOKE_ASKED);
	test_moves(db, a, newer.id, EVENT_REVOKED);
	welcome("/", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(every_phase_has_its_labels_and_buttons, fresh),
		cmocka_unit_test_setup(a_renewal_has_labels_of_its_own, fresh),
		cmocka_unit_test_setup(a_revocation_lets_the_renewal_go_on, fresh),
		cmocka_unit_test_setup(cards_have_labels_of_their_own, fresh),
		cmocka_unit_test_setup(news_come_with_every_move, fresh),
		cmocka_unit_test_setup(the_welcome_stays_until_the_first_certificate, fresh),
	};

	return cmocka_run_group_tests(tests, set_up, pages_test_close);
}
