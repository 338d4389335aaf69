/* Responses that are correctly signed, but for somebody else, at another time, or about somebody the IdP may not speak of: each is
 * refused by the check that is meant for it, and its genuine twin is not. */
#include "support/check.h"
#include "support/saml_judge.h"

#define NOTHING NULL

/* Time */
static const char *at(struct forge *f, when offset)
{
	return clock_rfc3339(f->arena, FORGE_NOW + offset);
}
SET(issued_in_future, assertion_instant, at(f, 4 * MINUTE))
SET(issued_before_request, assertion_instant, at(f, -5 * MINUTE))
SET(issued_never, assertion_instant, NOTHING)
SET(issued_never_response, response_instant, NOTHING)
SET(issued_in_future_response, response_instant, at(f, 4 * MINUTE))
SET(expired_conditions, conditions_until, at(f, -4 * MINUTE))
SET(expired_confirmation, confirmed_until, at(f, -4 * MINUTE))
SET(not_yet_valid, conditions_from, at(f, 4 * MINUTE))
SET(no_time_at_all, conditions_until, "tomorrow")
SET(just_expired, conditions_until, at(f, -2 * MINUTE))
SET(just_not_valid, conditions_from, at(f, 2 * MINUTE))
SET(confirmation_with_start, confirmed_from, at(f, -MINUTE))
SET(confirmation_without_end, confirmed_until, NOTHING)
SET(conditions_without_start, conditions_from, NOTHING)
SET(conditions_without_end, conditions_until, NOTHING)

/* For whom, in answer to what */
SET(no_conditions, conditions, false)
SET(no_audience, audience, "")
SET(wrong_audience, audience,
	"<saml:AudienceRestriction><saml:Audience>https://other.test/sp</saml:Audience></saml:AudienceRestriction>")
SET(unknown_condition, audience,
	"<saml:Condition xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:x=\"urn:x\" xsi:type=\"x:Weather\"/>"
	"<saml:AudienceRestriction><saml:Audience>" FORGE_SP "</saml:Audience></saml:AudienceRestriction>")
SET(second_audience_wrong, audience,
	"<saml:AudienceRestriction><saml:Audience>" FORGE_SP "</saml:Audience></saml:AudienceRestriction>"
	"<saml:AudienceRestriction><saml:Audience>https://other.test/sp</saml:Audience></saml:AudienceRestriction>")
SET(wrong_destination, destination, "https://other.test/saml/acs")
SET(longer_destination, destination, FORGE_ACS "/x")
SET(no_destination, destination, NOTHING)
SET(wrong_recipient, recipient, "https://other.test/saml/acs")
SET(no_recipient, recipient, NOTHING)
SET(wrong_request, in_response_to, "_other")
SET(no_request, in_response_to, NOTHING)
SET(wrong_confirmed_request, confirmed_request, "_other")
SET(no_confirmed_request, confirmed_request, NOTHING)
SET(holder_of_key, method, "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key")
SET(no_method, method, NOTHING)
SET(version_1_1, response_version, "1.1")
SET(assertion_version_1_1, assertion_version, "1.1")
SET(no_authentication, authentication, NOTHING)
SET(status_responder, status, "urn:oasis:names:tc:SAML:2.0:status:Responder")
SET(no_status, status, NOTHING)
static void session_over(struct forge *f)
{
	f->authentication = forge_replace(f->arena, f->authentication, " SessionIndex",
		arena_printf(f->arena, " SessionNotOnOrAfter=\"%s\" SessionIndex", at(f, -4 * MINUTE)));
}
static void authenticated_in_future(struct forge *f)
{
	f->authentication = forge_replace(f->arena, f->authentication, at(f, 0), at(f, 4 * MINUTE));
}
static void status_denied_without_assertion(struct forge *f)
{
	f->status = "urn:oasis:names:tc:SAML:2.0:status:Responder";
	f->assertion = false;
}

/* Who says it */
static void another_known_idp(struct forge *f)
{
	f->response_issuer = f->assertion_issuer = FORGE_OTHER_IDP;
	f->sign_assertion = &f->world->other;
	f->eppn = forge_value(f->arena, "taro@other.test");
}
static void another_name_same_key(struct forge *f)
{
	f->response_issuer = f->assertion_issuer = "https://idp.unknown.test/";
}
SET(assertion_of_another, assertion_issuer, FORGE_OTHER_IDP)
SET(response_of_another, response_issuer, FORGE_OTHER_IDP)
SET(response_of_nobody, response_issuer, NOTHING)
SET(key_of_another, sign_assertion, &f->world->other)
SET(unsigned_response, sign_assertion, NULL)
static void response_signed_wrongly(struct forge *f)
{
	f->sign_response = &f->world->other;
}

/* Who the person is */
#define EPPN(name, text) SET(name, eppn, forge_value(f->arena, text))
EPPN(eppn_without_scope, "taro")
EPPN(eppn_empty_scope, "taro@")
EPPN(eppn_without_name, "@" FORGE_SCOPE)
EPPN(eppn_two_ats, "taro@x@" FORGE_SCOPE)
EPPN(eppn_parent, "taro@test")
EPPN(eppn_child, "taro@cs." FORGE_SCOPE)
EPPN(eppn_lookalike, "taro@evil-" FORGE_SCOPE)
EPPN(eppn_of_another_idp, "taro@other.test")
EPPN(eppn_newline, "taro&#10;@" FORGE_SCOPE)
EPPN(eppn_blank, "ta ro@" FORGE_SCOPE)
EPPN(eppn_invisible, "taro\xe2\x80\x8b@" FORGE_SCOPE)
EPPN(eppn_cyrillic, "t\xd0\xb0ro@" FORGE_SCOPE)
EPPN(eppn_empty, "")
EPPN(eppn_element, "<b xmlns=\"urn:x\">taro@" FORGE_SCOPE "</b>")
EPPN(eppn_mixed, "taro@" FORGE_SCOPE "<b xmlns=\"urn:x\"/>")
SET(eppn_5000, eppn,
	forge_value(f->arena, arena_printf(f->arena, "%s@" FORGE_SCOPE, forge_repeat(f->arena, "a", 5000))))
SET(eppn_missing, eppn, NOTHING)
SET(eppn_no_value, eppn, "")
SET(eppn_two_values, eppn,
	arena_printf(f->arena, "%s%s", forge_value(f->arena, "taro@" FORGE_SCOPE),
		forge_value(f->arena, "jiro@" FORGE_SCOPE)))
SET(eppn_twice, attributes,
	arena_printf(f->arena, "<saml:Attribute Name=\"" FORGE_EPPN "\">%s</saml:Attribute>",
		forge_value(f->arena, "jiro@" FORGE_SCOPE)))
SET(other_twice, attributes, "<saml:Attribute Name=\"x\"/><saml:Attribute Name=\"x\"/>")
SET(other_attributes, attributes, "<saml:Attribute Name=\"x\"/><saml:Attribute Name=\"y\"/>")
SET(encrypted_attribute, attributes, "<saml:EncryptedAttribute/>")
SET(mail_missing, mail, NOTHING)
SET(mail_two, mail,
	arena_printf(f->arena, "%s%s", forge_value(f->arena, "a@u.test"), forge_value(f->arena, "b@u.test")))
#define MAIL(name, text) SET(name, mail, forge_value(f->arena, text))
MAIL(mail_newline, "taro@u.test&#10;Bcc: x@y.test")
MAIL(mail_comma, "taro@u.test,jiro@u.test")
MAIL(mail_quoted, "&quot;taro yamada&quot;@u.test")
MAIL(mail_no_at, "taro")
MAIL(mail_dots, "taro..yamada@u.test")
MAIL(mail_hyphen, "taro@-u.test")
MAIL(mail_angle, "&lt;taro@u.test&gt;")
SET(mail_long, mail,
	forge_value(f->arena, arena_printf(f->arena, "taro@%stest", forge_repeat(f->arena, "a.", 130))))
static void name_missing(struct forge *f)
{
	f->name = f->ja_name = NULL;
}
#define NAME(n, text) SET(n, ja_name, forge_value(f->arena, text))
NAME(name_tab, "Taro&#9;Yamada")
NAME(name_bidi, "Taro\xe2\x80\xae Yamada")
NAME(name_blank, "  ")
SET(name_long, ja_name, forge_value(f->arena, forge_repeat(f->arena, "山", 129)))
SET(name_two, ja_name, arena_printf(f->arena, "%s%s", forge_value(f->arena, "a"), forge_value(f->arena, "b")))
SET(name_english_only, ja_name, NOTHING)

/* What an assertion is made of */
SET(no_subject, subject, false)
static void no_assertion_id(struct forge *f)
{
	f->assertion_id = NULL;
	f->sign_assertion = NULL;
	f->sign_response = &f->world->idp;
}
SET(attribute_without_name, attributes, "<saml:Attribute/>")
static void attributes_201(struct forge *f)
{
	struct text t = text_new(f->arena, 1 << 20);

	for (int i = 0; i < 201; i++)
		text_addf(&t, "<saml:Attribute Name=\"%d\"/>", i);
	f->attributes = t.data;
}

/* clang-format off */
static const struct hostile table[] = {
	{NULL, "as it is", NULL},
	CASE(NULL, just_expired), CASE(NULL, just_not_valid), CASE(NULL, other_attributes), CASE(NULL, name_english_only),

	CASE("confirmation", no_subject), CASE("message", no_assertion_id), CASE("attributes", attribute_without_name),
	CASE("attributes", attributes_201),
	CASE("issue-instant", issued_in_future), CASE("issue-instant", issued_before_request),
	CASE("issue-instant", issued_never), CASE("issue-instant", issued_never_response),
	CASE("issue-instant", issued_in_future_response), CASE("expired", expired_conditions),
	CASE("expired", expired_confirmation), CASE("not-yet-valid", not_yet_valid), CASE("expired", no_time_at_all),
	CASE("confirmation", confirmation_with_start), CASE("confirmation", confirmation_without_end),
	CASE("conditions", conditions_without_start), CASE("conditions", conditions_without_end),
	CASE("conditions", no_conditions), CASE("conditions", unknown_condition), CASE("audience", no_audience),
	CASE("audience", wrong_audience), CASE("audience", second_audience_wrong), CASE("destination", wrong_destination),
	CASE("destination", longer_destination), CASE("destination", no_destination), CASE("recipient", wrong_recipient),
	CASE("recipient", no_recipient), CASE("in-response-to", wrong_request), CASE("in-response-to", no_request),
	CASE("in-response-to", wrong_confirmed_request), CASE("in-response-to", no_confirmed_request),
	CASE("confirmation", holder_of_key), CASE("confirmation", no_method), CASE("version", version_1_1),
	CASE("version", assertion_version_1_1), CASE("authentication", no_authentication),
	CASE("authentication", authenticated_in_future), CASE("session-expired", session_over),
	CASE("status", status_responder), CASE("status", no_status), CASE("status", status_denied_without_assertion),
	CASE("issuer", another_known_idp), CASE("issuer", another_name_same_key), CASE("issuer", assertion_of_another),
	CASE("issuer", response_of_another), CASE("issuer", response_of_nobody), CASE("signature", key_of_another),
	CASE("unsigned", unsigned_response), CASE("signature", response_signed_wrongly), CASE("scope", eppn_without_scope),
	CASE("scope", eppn_empty_scope), CASE("eppn", eppn_without_name), CASE("eppn", eppn_two_ats),
	CASE("scope", eppn_parent), CASE("scope", eppn_child), CASE("scope", eppn_lookalike),
	CASE("scope", eppn_of_another_idp), CASE("eppn", eppn_newline), CASE("eppn", eppn_blank),
	CASE("eppn", eppn_invisible), CASE("eppn", eppn_cyrillic), CASE("eppn", eppn_empty), CASE("eppn", eppn_element),
	CASE("eppn", eppn_mixed), CASE("eppn", eppn_5000), CASE("missing-eppn", eppn_missing), CASE("eppn", eppn_no_value),
	CASE("eppn", eppn_two_values), CASE("attributes", eppn_twice), CASE("attributes", other_twice),
	CASE("structure", encrypted_attribute), CASE("missing-mail", mail_missing), CASE("mail", mail_two),
	CASE("mail", mail_newline), CASE("mail", mail_comma), CASE("mail", mail_quoted), CASE("mail", mail_no_at),
	CASE("mail", mail_dots), CASE("mail", mail_hyphen), CASE("mail", mail_angle), CASE("mail", mail_long),
	CASE("missing-name", name_missing), CASE("name", name_tab), CASE("name", name_bidi), CASE("name", name_blank),
	CASE("name", name_long), CASE("name", name_two),
};
/* clang-format on */

static void each_is_refused_by_its_check(void **state)
{
	assert_int_equal(judge_all(table, COUNT_OF(table)), 0);
}

static void the_request_counts(void **state)
{
	struct arena *a = arena_new();
	struct forge f = forge_genuine(a, forge_world());
	const char *message = forge_message(&f), *check;
	struct saml_login login;
	struct saml_expected expected = forge_expected();

	expected.asked_at = FORGE_NOW - 16 * MINUTE;
	check_status(saml_consume(a, message, &expected, FORGE_NOW, &login, &check), STATUS_DENIED);
	assert_string_equal(check, "login-time");
	expected = forge_expected();
	expected.idp = FORGE_OTHER_IDP;
	check_status(saml_consume(a, message, &expected, FORGE_NOW, &login, &check), STATUS_DENIED);
	assert_string_equal(check, "issuer");
	expected.idp = "https://gone.test/";
	check_status(saml_consume(a, message, &expected, FORGE_NOW, &login, &check), STATUS_DENIED);
	assert_string_equal(check, "issuer");
	expected = forge_expected();
	check_ok(saml_consume(a, message, &expected, FORGE_NOW, &login, &check));
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_refused_by_its_check),
		cmocka_unit_test(the_request_counts),
	};

	return cmocka_run_group_tests(tests, judge_setup, judge_teardown);
}
