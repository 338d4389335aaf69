/* Applying: the form of a certificate type, the question whether it is meant, and the application itself. */
#include "pages/handlers.h"

/* What was chosen in a form. */
struct choice {
	const struct plugin *base;   /* whose form it is */
	const struct plugin *plugin; /* base, or the variant whose box is ticked */
	const struct validity *validity;
	const char *form_key;
};

static const struct validity *validity_find(const struct certificate_settings *settings, const char *profile)
{
	const struct validity *all = settings->validity.items;

	if (settings->validity.n == 0)
		return NULL;
	if (!settings->choose_validity || !profile || !profile[0])
		return &all[0];
	for (size_t i = 0; i < settings->validity.n; i++)
		if (text_same(all[i].title, profile))
			return &all[i];
	return NULL;
}

const struct validity *apply_validity(const struct certificate_settings *settings, const char *profile)
{
	const struct validity *all = settings->validity.items;

	for (size_t i = 0; profile && i < settings->validity.n; i++)
		if (text_same(all[i].title, profile))
			return &all[i];
	return settings->validity.n ? &all[0] : NULL;
}

void validity_fill(struct model *m, const struct validity *v, enum lang lang)
{
	const char *label = lang == LANG_JA ? v->label_ja : v->label_en;

	if (label && label[0])
		model_set(model_section(m, "LABELLED"), "LABEL", label);
	else
		model_set_int(model_section(m, "COUNTED"), "MONTHS", v->months);
}

static void validity_choice_fill(struct request *rq, struct model *m,
	const struct certificate_settings *settings, const struct validity *chosen)
{
	const struct validity *all = settings->validity.items;

	if (!settings->choose_validity || settings->validity.n < 2) {
		if (settings->validity.n)
			validity_fill(model_section(m, "FIXED"), &all[0], rq->lang);
		return;
	}
	struct model *choose = model_section(m, "CHOOSE");
	for (size_t i = 0; i < settings->validity.n; i++) {
		struct model *option = model_section(choose, "OPTION");
		model_set(option, "PROFILE", all[i].title);
		if (chosen == &all[i])
			model_show(option, "SELECTED");
		validity_fill(option, &all[i], rq->lang);
	}
}

/* A type's own fields, with what was entered so far. */
static void fields_fill(struct request *rq, struct model *fields, const struct plugin *p)
{
	const char *entered = request_query(rq, arena_printf(rq->arena, "extra-%s", p->name));
	model_set(fields, "EXTRA", entered ? entered : "");
}

/* What can be done with a variant's box: one without a place cannot be ticked, the only one that has a place must be. */
static void variant_fill(struct request *rq, struct model *variant, const struct plugin *p, bool ticked, bool only, struct place place)
{
	model_set(variant, "VARIANT_NAME", p->name);
	model_set(variant, "VARIANT_BOX", i18n_text(p->name, p->type->box));
	if (place.taken) {
		place_fill(model_include(model_section(variant, "VARIANT_FULL"), "VARIANT_WHY", "core/place.html"), p, place);
		return;
	}
	if (ticked)
		model_show(variant, "TICKED");
	if (only)
		model_show(variant, "VARIANT_ONLY");
	if (p->type->form_view)
		fields_fill(rq, model_include(variant, "VARIANT_FIELDS", p->type->form_view), p);
}

static bool is_variant(const struct plugin *p, const struct plugin *base)
{
	return p->type && text_same(p->type->variant_of, base->name);
}

static size_t variants_free(const struct plugin *base, const struct places *places)
{
	size_t n = 0;

	for (size_t i = 0; i < plugin_count(); i++)
		n += is_variant(plugin_at(i), base) && !place_of(places, plugin_at(i)).taken;
	return n;
}

static void variants_fill(
	struct request *rq, struct model *m, const struct choice *choice, const struct places *places, bool only)
{
	struct model *options = NULL;

	for (size_t i = 0; i < plugin_count(); i++) {
		const struct plugin *p = plugin_at(i);

		if (!is_variant(p, choice->base))
			continue;
		if (!options)
			options = model_section(m, "VARIANTS");
		variant_fill(rq, model_section(options, "VARIANT"), p, p == choice->plugin, only, place_of(places, p));
	}
	if (options && (only || choice->plugin != choice->base)) /* what is ticked, or must be, is not folded away */
		model_show(options, "VARIANTS_OPEN");
}

static void form_fill(struct request *rq, struct model *m, const struct choice *choice, const struct places *places)
{
	const struct certificate_type *type = choice->base->type;
	struct place place = place_of(places, choice->base);
	const char *domain = choice->base->name;

	model_setf(m, "PATH", "/%s/apply", choice->base->name);
	model_set(m, "NAME", choice->base->name);
	model_set(m, "TYPE_TITLE", certificate_title(choice->plugin->name));
	model_set(m, "TYPE_PURPOSE", i18n_text(domain, type->purpose));
	model_set(m, "TYPE_BUTTON", i18n_text(domain, type->button));
	model_set(m, "APPLICANT", rq->user->name);
	model_set(m, "APPLICANT_MAIL", rq->user->mail);
	model_set(m, "CSRF", rq->csrf);
	model_set(
		m, "FORM_KEY", choice->form_key ? choice->form_key : form_key_new(rq->arena));
	struct model *parts = model_include(m, "PARTS", "core/form_parts.html");
	model_set(parts, "NAME", choice->base->name);
	validity_choice_fill(rq, parts, type->settings, choice->validity);
	if (type->form_view)
		fields_fill(rq, model_include(parts, "FIELDS", type->form_view), choice->base);
	size_t free = variants_free(choice->base, places);
	variants_fill(rq, parts, choice, places, place.taken && free == 1);
	if (request_pause(rq)->paused) {
		model_show(m, "PAUSED");
	} else if (place.taken) {
		place_fill(model_include(model_section(m, "FULL"), "FULL_WHY", "core/place.html"), choice->base, place);
		if (free == 0)
			model_show(m, "FULL_OFF");
	}
}

void apply_form(struct request *rq, struct model *m, const struct plugin *plugin, const struct places *places)
{
	struct choice choice = {.base = plugin, .plugin = plugin};

	choice.validity = validity_find(plugin->type->settings, NULL);
	form_fill(rq, m, &choice, places);
}

/* Reads what both the question and the answer carry. get is request_query or request_field. */
static enum status choice_read(struct request *rq,
	const char *(*get)(const struct request *rq, const char *name), struct choice *ret)
{
	const struct plugin *base = plugin_type(request_part(rq, "type"));
	const char *variant = get(rq, "variant");

	if (!base || (base->type->variant_of && plugin_type(base->type->variant_of)))
		return cause(STATUS_MISSING, "no certificate type of this name has a form");
	*ret = (struct choice){.base = base, .plugin = base};
	if (variant) {
		ret->plugin = plugin_type(variant);
		if (!ret->plugin || !text_same(ret->plugin->type->variant_of, base->name))
			return cause(STATUS_INVALID, "no such variant of certificate type %s", base->name);
	}
	ret->validity = validity_find(base->type->settings, get(rq, "profile"));
	if (!ret->validity)
		return request_refuse(rq,
			cause(STATUS_INVALID, "certificate type %s has no such profile", base->name),
			_("This validity cannot be chosen. Please go back to the dashboard and choose again."));
	return STATUS_OK;
}

/* again: the database did not answer; the same form key is offered, so that pressing OK once more cannot apply twice. */
static enum status confirm_show(struct request *rq, const struct choice *choice, bool again)
{
	struct model *m = model_new(rq->arena);

	form_fill(rq, m, choice, NULL);
	if (again)
		model_show(m, "AGAIN");
	return request_page_code(rq, again ? status_http(STATUS_BUSY) : 200, "core/confirm.html",
		i18n_text(choice->base->name, choice->base->type->button), m);
}

enum status apply_confirm(struct request *rq)
{
	struct choice choice;
	enum status s = choice_read(rq, request_query, &choice);

	return s == STATUS_OK ? confirm_show(rq, &choice, false) : s;
}

struct completion {
	const struct plugin *plugin;
	const struct user *user;
	const char *field, *character; /* what a subject may not hold */
};

static enum status complete(struct arena *a, unsigned number, struct order *order, void *context)
{
	struct completion *c = context;
	const struct certificate_type *type = c->plugin->type;
	const char *extra = order->extra ? order->extra : "";

	c->field = c->character = NULL;
	enum status s = certificate_subject(a, type->settings->subject, c->user, number, extra,
		&order->subject, &c->field, &c->character);
	return s == STATUS_OK && type->complete ? type->complete(a, number, c->user, order) : s;
}

/* The field as applicants know it; the keys are those of certificate_subject(). */
static const char *field_name(const char *field)
{
	static const struct {
		const char *key, *name;
	} names[] = {
		{"eppn", N_("User name of your campus account")},
		{"mail", N_("E-mail address")},
		{"name", N_("Name")},
		{"number", N_("Application number")},
		{"extra", N_("Additional field of the form")},
	};

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (text_same(names[i].key, field))
			return _(names[i].name);
	return field;
}

static enum status refused_page(struct request *rq, enum status s, struct model *m, const char *type)
{
	model_set(m, "TYPE_TITLE", certificate_title(type));
	model_set(m, "REFERENCE", rq->id);
	return request_page_code(
		rq, status_http(s), "core/apply_refused.html", _("The application was not accepted"), m);
}

/* The place that application_create() found taken, with the way to it. */
static enum status place_show(struct request *rq, struct model *m, const struct plugin *plugin, bool live)
{
	const struct own_list unknown = {0};
	struct places *places;
	enum status s = places_get(rq, &unknown, &places);

	if (s != STATUS_OK)
		return s;
	struct place place = place_of(places, plugin);
	if (place.taken != (live ? PLACE_LIVE : PLACE_LIMIT)) /* another user has it, or it is free meanwhile */
		place = (struct place){.taken = live ? PLACE_LIVE : PLACE_LIMIT};
	place_fill(model_include(model_section(m, "FULL"), "FULL_WHY", "core/place.html"), plugin, place);
	return STATUS_OK;
}

static enum status refused_show(
	struct request *rq, enum status s, const struct completion *c, const char *why)
{
	struct model *m = model_new(rq->arena);
	bool live = text_same(why, "live");

	log_status(s, "application, refused");
	if (text_same(why, "day"))
		return apply_day_refused(rq, c->plugin->name);
	if (c->field) {
		struct model *character = model_section(m, "CHARACTER");
		model_set(character, "FIELD", field_name(c->field));
		if (c->character && c->character[0])
			model_set(model_section(character, "KNOWN"), "BAD", c->character);
	} else if (live || text_same(why, "limit")) {
		enum status known = place_show(rq, m, c->plugin, live);
		if (known != STATUS_OK)
			return known;
	} else {
		model_show(m, "SUBJECT");
	}
	return refused_page(rq, s, m, c->plugin->name);
}

static unsigned day_max;

void pages_day_max(int64_t applications)
{
	day_max = (unsigned)applications;
}

unsigned apply_day_max(void)
{
	return day_max;
}

enum status apply_day_refused(struct request *rq, const char *type)
{
	struct model *m = model_new(rq->arena), *day = model_section(m, "DAY");
	when until = 0;
	enum status s = application_day_full(rq->db, rq->arena, rq->user->id, day_max, rq->now, &until);

	if (s != STATUS_OK)
		return s;
	/* To the minute, as it is shown; not one too early. */
	when from = until ? until + MINUTE - 1 : rq->now;
	model_set_int(day, "DAY_MAX", day_max);
	model_set(day, "DAY_FROM", clock_show(rq->arena, from, rq->lang));
	return refused_page(rq, STATUS_CONFLICT, m, type);
}

static enum status order_make(struct request *rq, const struct choice *choice, struct order *ret)
{
	const struct certificate_settings *settings = choice->plugin->type->settings;

	*ret = (struct order){
		.type = choice->plugin->name,
		.upstream = settings->upstream,
		.profile = choice->validity->title,
		.months = (int)choice->validity->months,
		.name = rq->user->name,
		.mail = rq->user->mail,
		.extra = "",
		.handover = choice->plugin->type->card != NULL,
		.live_max = (unsigned)settings->live_max,
		.day_max = day_max,
		.form_key = choice->form_key,
	};
	return choice->plugin->type->order ? choice->plugin->type->order(rq, ret) : STATUS_OK;
}

enum status apply_send(struct request *rq)
{
	struct choice choice;
	struct order order;
	struct application app;
	bool again = false;
	const char *why = NULL;
	enum status s = choice_read(rq, request_field, &choice);

	if (s != STATUS_OK)
		return s;
	choice.form_key = request_field(rq, "form_key");
	if (!form_key_ok(choice.form_key))
		return cause(STATUS_INVALID, "form key missing or not of ours");
	s = order_make(rq, &choice, &order);
	if (s != STATUS_OK)
		return s;
	struct completion c = {.plugin = choice.plugin, .user = rq->user};
	s = application_create(rq->db, rq->arena, rq->user, &order, (struct order_completion){complete, &c},
		&app, &again, &why);
	if (s == STATUS_BUSY) {
		/* Whether it was stored is not known when the connection broke during the commit; the form key is what tells. */
		log_status(s, "application, not known to be stored");
		return confirm_show(rq, &choice, true);
	}
	if ((s == STATUS_CONFLICT && why) || (s == STATUS_INVALID && c.field))
		return refused_show(rq, s, &c, why);
	if (s != STATUS_OK)
		return s;
	return request_redirect(rq,
		arena_printf(rq->arena, "/%s/%u/applied%s", app.type, app.number, again ? "?again=1" : ""));
}
