/* Judges a response that was read: lasso's verification first, then every check that lasso leaves to the caller (SAML Core 2.0,
 * SAML Profiles 2.0 section 4.1.4.3). */
#include "saml/response.h"

#include <lasso/xml/saml-2.0/saml2_audience_restriction.h>
#include <lasso/xml/saml-2.0/saml2_authn_statement.h>
#include <lasso/xml/saml-2.0/samlp2_response.h>
#include <lasso/xml/saml-2.0/samlp2_status_response.h>

#include "saml/refuse.h"

#define BEARER "urn:oasis:names:tc:SAML:2.0:cm:bearer"
#define FORMAT_ENTITY "urn:oasis:names:tc:SAML:2.0:nameid-format:entity"
#define SUCCESS "urn:oasis:names:tc:SAML:2.0:status:Success"

struct judging {
	struct arena *arena;
	const struct response_rules *rules;
	const char **ret_check;
};

static void login_release(void *login)
{
	g_object_unref(login);
}

static const char *or_nothing(const char *s)
{
	return s ? s : "(nothing)";
}

/* What the IdP gave as its reason: nobody has signed for it, so it goes to the log only. */
static enum status status_refuse(LassoProfile *profile, const char **ret_check)
{
	LassoSamlp2StatusResponse *response = LASSO_IS_SAMLP2_STATUS_RESPONSE(profile->response)
						      ? LASSO_SAMLP2_STATUS_RESPONSE(profile->response)
						      : NULL;
	LassoSamlp2Status *status =
		response && LASSO_IS_SAMLP2_STATUS(response->Status) ? response->Status : NULL;
	LassoSamlp2StatusCode *code = status ? status->StatusCode : NULL;

	return REFUSE(ret_check, "status", "the IdP answered %s, %s: %s",
		or_nothing(code ? code->Value : NULL),
		or_nothing(code && code->StatusCode ? code->StatusCode->Value : NULL),
		or_nothing(status ? status->StatusMessage : NULL));
}

static enum status verify_refuse(LassoProfile *profile, int rc, const char **ret_check)
{
	switch (rc) {
	case LASSO_LOGIN_ERROR_STATUS_NOT_SUCCESS:
	case LASSO_PROFILE_ERROR_STATUS_NOT_SUCCESS:
	case LASSO_PROFILE_ERROR_MISSING_STATUS_CODE:
	case LASSO_LOGIN_ERROR_REQUEST_DENIED:
	case LASSO_PROFILE_ERROR_REQUEST_DENIED:
	case LASSO_LOGIN_ERROR_FEDERATION_NOT_FOUND:
	case LASSO_LOGIN_ERROR_UNKNOWN_PRINCIPAL:
		return status_refuse(profile, ret_check);
	case LASSO_SERVER_ERROR_PROVIDER_NOT_FOUND:
	case LASSO_PROFILE_ERROR_UNKNOWN_PROVIDER:
	case LASSO_PROFILE_ERROR_MISSING_ISSUER:
	case LASSO_PROFILE_ERROR_INVALID_ISSUER:
		return REFUSE(ret_check, "issuer", "the response or its assertion is of another IdP, %s",
			or_nothing(profile->remote_providerID));
	case LASSO_PROFILE_ERROR_MISSING_ASSERTION:
		return REFUSE(ret_check, "assertions", "there is no assertion");
	case LASSO_PROFILE_ERROR_MISSING_SUBJECT:
		return REFUSE(ret_check, "confirmation", "the assertion has no subject");
	case LASSO_DS_ERROR_SIGNATURE_NOT_FOUND:
		return REFUSE(ret_check, "unsigned", "neither the response nor its assertion is signed");
	case LASSO_PROFILE_ERROR_INVALID_MSG:
	case LASSO_PROFILE_ERROR_UNSUPPORTED_PROFILE:
		return REFUSE(
			ret_check, "message", "lasso cannot read the response (%s)", lasso_strerror(rc));
	default:
		return REFUSE(ret_check, "signature", "lasso does not verify the response (%s)",
			lasso_strerror(rc));
	}
}

enum status response_verify(
	struct arena *a, LassoServer *server, struct bytes xml, LassoLogin **ret, const char **ret_check)
{
	LassoLogin *login = lasso_login_new(server);
	int rc;

	ASSERT(login);
	arena_defer(a, login_release, login);
	/* Either signature will do, a wrong one will not; the default today, and never to be IGNORE. */
	lasso_profile_set_signature_verify_hint(
		LASSO_PROFILE(login), LASSO_PROFILE_SIGNATURE_VERIFY_HINT_MAYBE);
	/* Encoded anew, so that lasso's lenient decoding reads exactly the bytes that were scanned. */
	rc = lasso_login_process_authn_response_msg(login, text_base64(a, xml));
	if (rc)
		return verify_refuse(LASSO_PROFILE(login), rc, ret_check);
	*ret = login;
	return STATUS_OK;
}

static enum status judge_issuer(struct judging *j, const LassoSaml2NameID *issuer, const char *whose)
{
	if (!issuer || !text_same(issuer->content, j->rules->idp->config->title) ||
		(issuer->Format && !text_same(issuer->Format, FORMAT_ENTITY)))
		return REFUSE(j->ret_check, "issuer", "the %s is of %s, asked was %s", whose,
			or_nothing(issuer ? issuer->content : NULL), j->rules->idp->config->title);
	return STATUS_OK;
}

/* Issued after we asked, and not in the future. */
static enum status judge_instant(struct judging *j, const char *text, const char *whose)
{
	const struct response_rules *r = j->rules;
	when instant;

	if (!clock_parse(text, &instant))
		return REFUSE(j->ret_check, "issue-instant", "the %s has no time of issue", whose);
	if (instant > r->now + r->settings->skew)
		return REFUSE(j->ret_check, "issue-instant",
			"the %s was issued in the future, %s; compare the clocks", whose, text);
	if (instant < r->expected->asked_at - r->settings->skew)
		return REFUSE(j->ret_check, "issue-instant",
			"the %s was issued before it was asked for, %s; compare the clocks", whose, text);
	return STATUS_OK;
}

static enum status judge_response(struct judging *j, const LassoSamlp2StatusResponse *response)
{
	const struct response_rules *r = j->rules;
	enum status s = judge_issuer(j, response->Issuer, "response");

	if (s)
		return s;
	if (!response->Status || !response->Status->StatusCode ||
		!text_same(response->Status->StatusCode->Value, SUCCESS))
		return REFUSE(j->ret_check, "status", "the status is not success");
	if (!text_same(response->Version, "2.0"))
		return REFUSE(j->ret_check, "version", "the response has version %s",
			or_nothing(response->Version));
	if (!text_same(response->Destination, r->acs))
		return REFUSE(j->ret_check, "destination", "the response is meant for %s",
			or_nothing(response->Destination));
	if (!text_same(response->InResponseTo, r->expected->request_id))
		return REFUSE(j->ret_check, "in-response-to", "the response answers %s, asked was %s",
			or_nothing(response->InResponseTo), r->expected->request_id);
	return judge_instant(j, response->IssueInstant, "response");
}

/* "expired" or "not-yet-valid" when now is outside; absent bounds are refused by the caller's check. */
static enum status judge_window(struct judging *j, const char *from, const char *until, const char *whose)
{
	const struct response_rules *r = j->rules;
	when t;

	if (from && (!clock_parse(from, &t) || r->now + r->settings->skew < t))
		return REFUSE(j->ret_check, "not-yet-valid", "the %s is valid from %s; compare the clocks",
			whose, from);
	if (until && (!clock_parse(until, &t) || r->now - r->settings->skew >= t))
		return REFUSE(j->ret_check, "expired", "the %s was valid until %s; compare the clocks", whose,
			until);
	return STATUS_OK;
}

static enum status judge_subject(struct judging *j, const LassoSaml2Subject *subject, struct saml_login *ret)
{
	const struct response_rules *r = j->rules;
	const LassoSaml2SubjectConfirmation *confirmation = subject ? subject->SubjectConfirmation : NULL;
	const LassoSaml2SubjectConfirmationData *data =
		confirmation ? confirmation->SubjectConfirmationData : NULL;

	if (!data || !text_same(confirmation->Method, BEARER))
		return REFUSE(j->ret_check, "confirmation", "the subject is confirmed by %s, not as bearer",
			or_nothing(confirmation ? confirmation->Method : NULL));
	if (!text_same(data->Recipient, r->acs))
		return REFUSE(j->ret_check, "recipient", "the assertion is meant for %s",
			or_nothing(data->Recipient));
	if (!text_same(data->InResponseTo, r->expected->request_id))
		return REFUSE(j->ret_check, "in-response-to", "the assertion answers %s, asked was %s",
			or_nothing(data->InResponseTo), r->expected->request_id);
	if (!data->NotOnOrAfter || data->NotBefore)
		return REFUSE(j->ret_check, "confirmation",
			"the confirmation has no NotOnOrAfter, or has a NotBefore");
	enum status s = judge_window(j, NULL, data->NotOnOrAfter, "confirmation of the subject");
	if (s)
		return s;
	ASSERT(clock_parse(data->NotOnOrAfter, &ret->replay_until));
	if (subject->NameID)
		ret->name_id = arena_string(j->arena, subject->NameID->content);
	return STATUS_OK;
}

static enum status judge_conditions(struct judging *j, const LassoSaml2Conditions *conditions)
{
	enum status s;

	if (!conditions || !conditions->NotBefore || !conditions->NotOnOrAfter)
		return REFUSE(j->ret_check, "conditions",
			"the assertion has no conditions with NotBefore and NotOnOrAfter");
	if (conditions->Condition)
		return REFUSE(j->ret_check, "conditions",
			"the assertion has a condition that we do not understand");
	s = judge_window(j, conditions->NotBefore, conditions->NotOnOrAfter, "assertion");
	if (s)
		return s;
	if (!conditions->AudienceRestriction)
		return REFUSE(j->ret_check, "audience", "the assertion does not say for whom it is");
	/* Several restrictions must all hold. Of several audiences in one restriction lasso reads the first. */
	for (const GList *i = conditions->AudienceRestriction; i; i = i->next) {
		const LassoSaml2AudienceRestriction *restriction = i->data;

		if (!LASSO_IS_SAML2_AUDIENCE_RESTRICTION(i->data) ||
			!text_same(restriction->Audience, j->rules->entity_id))
			return REFUSE(j->ret_check, "audience", "the assertion is for %s",
				or_nothing(LASSO_IS_SAML2_AUDIENCE_RESTRICTION(i->data)
						   ? restriction->Audience
						   : NULL));
	}
	return STATUS_OK;
}

static enum status judge_authentication(struct judging *j, const GList *statements, struct saml_login *ret)
{
	const struct response_rules *r = j->rules;

	if (!statements)
		return REFUSE(j->ret_check, "authentication",
			"the assertion does not say that anybody was authenticated");
	for (const GList *i = statements; i; i = i->next) {
		const LassoSaml2AuthnStatement *statement = i->data;
		when at;

		if (!LASSO_IS_SAML2_AUTHN_STATEMENT(i->data) || !clock_parse(statement->AuthnInstant, &at) ||
			at > r->now + r->settings->skew)
			return REFUSE(j->ret_check, "authentication",
				"an AuthnStatement has no time, or one in the future");
		if (statement->SessionNotOnOrAfter && (!clock_parse(statement->SessionNotOnOrAfter, &at) ||
							      r->now - r->settings->skew >= at))
			return REFUSE(j->ret_check, "session-expired", "the session at the IdP ended at %s",
				statement->SessionNotOnOrAfter);
		if (statement->SessionIndex && !ret->session_index)
			ret->session_index = arena_string(j->arena, statement->SessionIndex);
	}
	return STATUS_OK;
}

static enum status judge_assertion(struct judging *j, LassoSaml2Assertion *assertion, struct saml_login *ret)
{
	enum status s;

	if (!text_same(assertion->Version, "2.0"))
		return REFUSE(j->ret_check, "version", "the assertion has version %s",
			or_nothing(assertion->Version));
	if (!assertion->ID || !assertion->ID[0])
		return REFUSE(j->ret_check, "message", "the assertion has no ID");
	ret->assertion_id = arena_string(j->arena, assertion->ID);
	if ((s = judge_issuer(j, assertion->Issuer, "assertion")) ||
		(s = judge_instant(j, assertion->IssueInstant, "assertion")) ||
		(s = judge_subject(j, assertion->Subject, ret)) ||
		(s = judge_conditions(j, assertion->Conditions)) ||
		(s = judge_authentication(j, assertion->AuthnStatement, ret)))
		return s;
	return response_person(j->arena, j->rules, assertion, ret, j->ret_check);
}

enum status response_judge(struct arena *a, const struct response_rules *rules, LassoLogin *login,
	struct saml_login *ret, const char **ret_check)
{
	struct judging j = {.arena = a, .rules = rules, .ret_check = ret_check};
	LassoProfile *profile = LASSO_PROFILE(login);
	struct saml_login found = {.idp = rules->idp->config->title};

	if (!LASSO_IS_SAMLP2_RESPONSE(profile->response))
		return REFUSE(ret_check, "message", "lasso has read no response");
	LassoSamlp2Response *response = LASSO_SAMLP2_RESPONSE(profile->response);
	enum status s = judge_response(&j, LASSO_SAMLP2_STATUS_RESPONSE(profile->response));
	if (s)
		return s;
	/* The scan has counted too; this counts what came out of decryption. */
	if (g_list_length(response->Assertion) != 1 || !LASSO_IS_SAML2_ASSERTION(response->Assertion->data))
		return REFUSE(ret_check, "assertions", "there are %u assertions",
			g_list_length(response->Assertion));
	s = judge_assertion(&j, response->Assertion->data, &found);
	if (s)
		return s;
	/* Later than this the request itself is too old, so the assertion need not be remembered longer, whatever it says. */
	when login_end = rules->expected->asked_at + rules->settings->login_time;
	if (found.replay_until > login_end)
		found.replay_until = login_end;
	found.replay_until += 2 * rules->settings->skew + MINUTE;
	if (!found.name_id)
		found.name_id = "";
	if (!found.session_index)
		found.session_index = "";
	*ret = found;
	return STATUS_OK;
}
