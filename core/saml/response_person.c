/* Takes the person out of a verified assertion: exactly one value of each attribute that is used, and each by its rule. */
#include <lasso/xml/misc_text_node.h>
#include <lasso/xml/saml-2.0/saml2_attribute.h>
#include <lasso/xml/saml-2.0/saml2_attribute_statement.h>
#include <lasso/xml/saml-2.0/saml2_attribute_value.h>

#include "saml/identity.h"
#include "saml/refuse.h"
#include "saml/response.h"

#define ATTRIBUTES_MAX 200 /* an IdP that releases everything has about 40 */

struct attributes {
	const LassoSaml2Attribute *list[ATTRIBUTES_MAX];
	size_t n;
};

/* An attribute that comes twice has two readings; which one counts would be anybody's guess. */
static enum status collect(
	const LassoSaml2Assertion *assertion, struct attributes *ret, const char **ret_check)
{
	for (const GList *s = assertion->AttributeStatement; s; s = s->next) {
		const LassoSaml2AttributeStatement *statement = s->data;

		if (!LASSO_IS_SAML2_ATTRIBUTE_STATEMENT(s->data))
			return REFUSE(ret_check, "attributes", "an AttributeStatement is none");
		for (const GList *i = statement->Attribute; i; i = i->next) {
			const LassoSaml2Attribute *attribute = i->data;

			if (!LASSO_IS_SAML2_ATTRIBUTE(i->data) || !attribute->Name)
				return REFUSE(ret_check, "attributes", "an attribute has no name");
			if (ret->n == ATTRIBUTES_MAX)
				return REFUSE(ret_check, "attributes", "there are more than %d attributes",
					ATTRIBUTES_MAX);
			for (size_t k = 0; k < ret->n; k++) {
				if (text_same(ret->list[k]->Name, attribute->Name))
					return REFUSE(ret_check, "attributes", "attribute %s comes twice",
						attribute->Name);
			}
			ret->list[ret->n++] = attribute;
		}
	}
	return STATUS_OK;
}

static const LassoSaml2Attribute *find(const struct attributes *all, const char *name)
{
	for (size_t i = 0; i < all->n; i++) {
		if (text_same(all->list[i]->Name, name))
			return all->list[i];
	}
	return NULL;
}

/* The text of an attribute with one value that is one text node; check is what its failure is called. */
static enum status value_of(
	const LassoSaml2Attribute *attribute, const char *check, const char **ret, const char **ret_check)
{
	const GList *values = attribute->AttributeValue;

	if (!values || values->next)
		return REFUSE(ret_check, check, "attribute %s has %u values, not one", attribute->Name,
			g_list_length(attribute->AttributeValue));
	const LassoSaml2AttributeValue *value = values->data;
	if (!LASSO_IS_SAML2_ATTRIBUTE_VALUE(values->data) || !value->any || value->any->next ||
		!LASSO_IS_MISC_TEXT_NODE(value->any->data))
		return REFUSE(
			ret_check, check, "the value of attribute %s is not one plain text", attribute->Name);
	const LassoMiscTextNode *text = value->any->data;
	if (!text->text_child || !text->content)
		return REFUSE(
			ret_check, check, "the value of attribute %s is not plain text", attribute->Name);
	*ret = text->content;
	return STATUS_OK;
}

static enum status take_eppn(struct arena *a, const struct response_rules *r, const struct attributes *all,
	struct saml_login *ret, const char **ret_check)
{
	const LassoSaml2Attribute *attribute = find(all, r->settings->attribute_eppn);
	const char *value;
	enum status s;

	if (!attribute)
		return REFUSE(
			ret_check, "missing-eppn", "attribute %s was not sent", r->settings->attribute_eppn);
	s = value_of(attribute, "eppn", &value, ret_check);
	return s ? s : identity_eppn(a, value, r->idp->scopes, &ret->eppn, ret_check);
}

static enum status take_mail(struct arena *a, const struct response_rules *r, const struct attributes *all,
	struct saml_login *ret, const char **ret_check)
{
	const LassoSaml2Attribute *attribute = find(all, r->settings->attribute_mail);
	const char *value;
	enum status s;

	if (!attribute)
		return REFUSE(
			ret_check, "missing-mail", "attribute %s was not sent", r->settings->attribute_mail);
	s = value_of(attribute, "mail", &value, ret_check);
	return s ? s : identity_mail(a, value, &ret->mail, ret_check);
}

static enum status take_name(struct arena *a, const struct response_rules *r, const struct attributes *all,
	struct saml_login *ret, const char **ret_check)
{
	const LassoSaml2Attribute *attribute = NULL;
	const char *value;
	enum status s;

	for (const char *const *name = r->settings->attribute_name; name && *name && !attribute; name++)
		attribute = find(all, *name);
	if (!attribute)
		return REFUSE(ret_check, "missing-name", "none of the attributes for a name was sent");
	s = value_of(attribute, "name", &value, ret_check);
	return s ? s : identity_name(a, value, &ret->name, ret_check);
}

enum status response_person(struct arena *a, const struct response_rules *rules,
	LassoSaml2Assertion *assertion, struct saml_login *ret, const char **ret_check)
{
	struct attributes all = {.n = 0};
	enum status s = collect(assertion, &all, ret_check);

	if (!s)
		s = take_eppn(a, rules, &all, ret, ret_check);
	if (!s)
		s = take_mail(a, rules, &all, ret, ret_check);
	if (!s)
		s = take_name(a, rules, &all, ret, ret_check);
	return s;
}
