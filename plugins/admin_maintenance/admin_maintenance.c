/* The plugin admin_maintenance: maintenance mode, at once or in a window, set by an administrator after a preview. */
#include "form.h"

static char *show_until(struct request *rq, const struct maintenance *m)
{
	return m->until ? clock_show(rq->arena, m->until, rq->lang) : arena_string(rq->arena, _("until it is ended here"));
}

static bool can_end(const struct maintenance *row, when now)
{
	enum maintenance_state state = maintenance_state(row, now);
	return state == MAINTENANCE_ON || state == MAINTENANCE_AHEAD;
}

/* The state in words, and who has made it so. */
static void state_fill(struct request *rq, struct model *m, const struct maintenance *row)
{
	enum maintenance_state state = maintenance_state(row, rq->now);

	switch (state) {
	case MAINTENANCE_OFF:
		model_show(m, "IS_OFF");
		break;
	case MAINTENANCE_AHEAD:
		model_show(m, "IS_AHEAD");
		break;
	case MAINTENANCE_ON:
		model_show(m, "IS_ON");
		break;
	case MAINTENANCE_OVER:
		model_show(m, "IS_OVER");
		break;
	}
	if (row->from) {
		struct model *window = model_section(m, "WINDOW");
		model_set(window, "FROM_AT", clock_show(rq->arena, row->from, rq->lang));
		model_set(window, "UNTIL_AT", show_until(rq, row));
	}
	if (state == MAINTENANCE_AHEAD && row->announced)
		model_show(m, "IS_ANNOUNCED");
	if (row->version) {
		struct model *set = model_section(m, "SET");
		model_set(set, "SET_BY", row->set_by);
		model_set(set, "SET_AT", clock_show(rq->arena, row->set_at, rq->lang));
	}
}

static enum status settings_show(struct request *rq, const struct maintenance *row, const struct form *form, int http)
{
	struct model *m = model_new(rq->arena);
	const char *done = request_query(rq, "done");
	enum maintenance_state state = maintenance_state(row, rq->now);

	state_fill(rq, model_include(m, "STATE_NOW", "admin_maintenance/state.html"), row);
	if (text_same(done, "set") && row->from)
		model_show(m, "DONE_SET");
	if (text_same(done, "ended") && !row->from)
		model_show(m, "DONE_ENDED");
	if (http != 200)
		model_show(m, "WRONG");
	if (!admin_may(rq, RIGHT_CHANGE)) {
		model_show(m, "LOOKING");
		return request_page_code(rq, http, "admin_maintenance/settings.html", _("Maintenance mode settings"), m);
	}
	if (state == MAINTENANCE_ON)
		model_show(m, "CAN_END");
	if (state == MAINTENANCE_AHEAD)
		model_show(m, "CAN_CANCEL");
	struct model *change = model_section(m, "CHANGE");
	if (can_end(row, rq->now))
		model_show(change, "CHANGING");
	else
		model_show(change, "SETTING");
	form_fill(rq, change, form);
	return request_page_code(rq, http, "admin_maintenance/settings.html", _("Maintenance mode settings"), m);
}

static enum status settings_page(struct request *rq)
{
	struct maintenance row;
	enum status s = maintenance_get(rq->db, rq->arena, &row);

	if (s != STATUS_OK)
		return s;
	struct form form = form_of(rq->arena, &row, rq->now);
	return settings_show(rq, &row, &form, 200);
}

/* Where the language switch of a page that answers a form leads. */
static enum status settings_again(struct request *rq)
{
	return request_redirect(rq, "/admin_maintenance");
}

/* --- Setting ---------------------------------------------------------------------------------------------------------------------- */

static void banners_fill(struct request *rq, struct model *m, const struct maintenance *row, bool ahead)
{
	for (int lang = 0; lang < LANG_COUNT; lang++) {
		struct model *banner = model_section(m, "BANNER");
		model_set(banner, "BANNER_LANG", lang_code((enum lang)lang));
		model_set(banner, "BANNER_TEXT", maintenance_banner(rq->arena, row, ahead, (enum lang)lang));
	}
}

static void preview_fill(struct request *rq, struct model *m, const struct maintenance *wish, const struct form *form)
{
	bool later = wish->from > rq->now;

	banners_fill(rq, m, wish, false);
	if (later && wish->announced)
		banners_fill(rq, model_section(m, "ANNOUNCE"), wish, true);
	if (later)
		model_set(model_section(m, "BEGINS_LATER"), "FROM_AT", clock_show(rq->arena, wish->from, rq->lang));
	else if (text_same(form->start, "keep"))
		model_show(m, "GOES_ON");
	else
		model_show(m, "BEGINS_NOW");
	model_set(m, "UNTIL_AT", show_until(rq, wish));
	form_fill(rq, model_include(m, "HIDDEN", "admin_maintenance/hidden.html"), form);
}

static enum status set_confirm(struct request *rq)
{
	struct maintenance row, wish;
	struct form form;
	enum status s = maintenance_get(rq->db, rq->arena, &row);

	if (s != STATUS_OK)
		return s;
	if (!form_read(rq, &row, &form, &wish)) {
		cause(STATUS_INVALID, "maintenance mode: the form is incomplete");
		log_status(STATUS_INVALID, "maintenance mode, a form refused");
		return settings_show(rq, &row, &form, status_http(STATUS_INVALID));
	}
	if (request_field(rq, "edit"))
		return settings_show(rq, &row, &form, 200);
	struct model *m = model_new(rq->arena);
	preview_fill(rq, m, &wish, &form);
	return request_page(rq, "admin_maintenance/confirm.html", _("Maintenance mode: confirmation"), m);
}

/* Somebody else was quicker: the page shows what is set now, and pressing again sets the own wish all the same. */
static enum status conflict_show(struct request *rq, const struct maintenance *wish, struct form *form)
{
	struct maintenance row;
	struct model *m = model_new(rq->arena);
	enum status s = maintenance_get(rq->db, rq->arena, &row);

	if (s != STATUS_OK)
		return s;
	log_status(STATUS_CONFLICT, "maintenance mode, two administrators at a time");
	model_set(m, "OTHER", row.set_by);
	state_fill(rq, model_include(m, "STATE_NOW", "admin_maintenance/state.html"), &row);
	if (row.from)
		banners_fill(rq, model_section(m, "THEIRS"), &row, row.from > rq->now);
	form->version = row.version;
	preview_fill(rq, m, wish, form);
	return request_page_code(rq, status_http(STATUS_CONFLICT), "admin_maintenance/conflict.html",
		_("Maintenance mode: changed meanwhile"), m);
}

/* The same form sent twice: what it wants is what is there. */
static bool is_done(const struct maintenance *row, const struct maintenance *wish)
{
	return text_same(row->set_by, wish->set_by) && row->version == wish->version + 1 && row->until == wish->until && row->from &&
	       row->announced == wish->announced && text_same(row->message[LANG_JA], wish->message[LANG_JA]) &&
	       text_same(row->message[LANG_EN], wish->message[LANG_EN]);
}

static enum status set_send(struct request *rq)
{
	struct maintenance row, wish;
	struct form form;
	enum status s = maintenance_get(rq->db, rq->arena, &row);

	if (s != STATUS_OK)
		return s;
	if (!form_read(rq, &row, &form, &wish))
		return settings_show(rq, &row, &form, status_http(STATUS_INVALID));
	if (is_done(&row, &wish))
		return request_redirect(rq, "/admin_maintenance?done=set");
	s = maintenance_set(rq->db, &wish, "admin.maintenance.set",
		arena_printf(rq->arena, "from %s until %s%s", clock_rfc3339(rq->arena, wish.from),
			wish.until ? clock_rfc3339(rq->arena, wish.until) : "it is ended", wish.announced ? ", announced" : ""));
	pause_forget();
	if (s == STATUS_CONFLICT)
		return conflict_show(rq, &wish, &form);
	if (s != STATUS_OK)
		return s;
	log_info("maintenance mode, set from %s by user %llu", clock_rfc3339(rq->arena, wish.from), (unsigned long long)rq->user->id);
	return request_redirect(rq, "/admin_maintenance?done=set");
}

/* --- Ending ----------------------------------------------------------------------------------------------------------------------- */

/* changed: not what the administrator has seen on the page before. */
static enum status end_show(struct request *rq, const struct maintenance *row, bool changed)
{
	struct model *m = model_new(rq->arena);

	state_fill(rq, model_include(m, "STATE_NOW", "admin_maintenance/state.html"), row);
	if (maintenance_state(row, rq->now) == MAINTENANCE_ON)
		model_show(m, "END");
	else
		model_show(m, "CANCEL");
	if (changed)
		model_set(model_section(m, "CHANGED"), "OTHER", row->set_by);
	model_set(m, "CSRF", rq->csrf);
	model_set_int(m, "VERSION", (long long)row->version);
	return request_page_code(rq, status_http(changed ? STATUS_CONFLICT : STATUS_OK), "admin_maintenance/end.html",
		_("Maintenance mode: confirmation"), m);
}

static enum status end_confirm(struct request *rq)
{
	struct maintenance row;
	enum status s = maintenance_get(rq->db, rq->arena, &row);

	if (s != STATUS_OK)
		return s;
	return can_end(&row, rq->now) ? end_show(rq, &row, false) : settings_again(rq);
}

static enum status end_send(struct request *rq)
{
	struct maintenance row;
	int64_t version = 0;
	const char *seen = request_field(rq, "version");
	enum status s = maintenance_get(rq->db, rq->arena, &row);

	if (s != STATUS_OK)
		return s;
	if (!can_end(&row, rq->now)) /* sent twice, or over by itself */
		return request_redirect(rq, "/admin_maintenance?done=ended");
	if (!seen || !text_int(seen, 0, INT64_MAX, &version))
		return cause(STATUS_INVALID, "no version of maintenance mode");
	struct maintenance wish = row; /* the messages stay for the next time */
	wish.version = (uint64_t)version;
	wish.from = wish.until = 0;
	wish.set_by = rq->user->eppn;
	wish.set_at = rq->now;
	s = maintenance_set(rq->db, &wish, "admin.maintenance.ended", NULL);
	pause_forget();
	if (s == STATUS_CONFLICT) {
		log_status(s, "maintenance mode, two administrators at a time");
		s = maintenance_get(rq->db, rq->arena, &row);
		return s != STATUS_OK ? s : can_end(&row, rq->now) ? end_show(rq, &row, true) : settings_again(rq);
	}
	if (s != STATUS_OK)
		return s;
	log_info("maintenance mode, ended by user %llu", (unsigned long long)rq->user->id);
	return request_redirect(rq, "/admin_maintenance?done=ended");
}

/* --- Its own health --------------------------------------------------------------------------------------------------------------- */

/* Nobody forgets that it is on. */
static const struct health_item *health(struct arena *a, struct db *db)
{
	struct health_item *items = arena_array(a, 2, sizeof *items);
	struct maintenance row;

	if (maintenance_get(db, a, &row) != STATUS_OK)
		return NULL;
	bool on = maintenance_state(&row, clock_now()) == MAINTENANCE_ON;
	items[0] = (struct health_item){
		.name = "mode",
		.title = _("Maintenance mode"),
		.value = on ? arena_printf(a, "%s %s", _("In force since"), clock_show(a, row.from, i18n_lang())) : _("Off"),
		.state = on ? HEALTH_WARN : HEALTH_GOOD,
	};
	return items;
}

static const struct route routes[] = {
	{"GET", "/admin_maintenance", ACCESS_ADMIN, settings_page, .right = RIGHT_LOOK},
	{"GET", "/admin_maintenance/confirm", ACCESS_ADMIN, settings_again, .right = RIGHT_CHANGE},
	{"POST", "/admin_maintenance/confirm", ACCESS_ADMIN, set_confirm, .right = RIGHT_CHANGE},
	{"GET", "/admin_maintenance/set", ACCESS_ADMIN, settings_again, .right = RIGHT_CHANGE},
	{"POST", "/admin_maintenance/set", ACCESS_ADMIN, set_send, .right = RIGHT_CHANGE},
	{"GET", "/admin_maintenance/end", ACCESS_ADMIN, end_confirm, .right = RIGHT_CHANGE},
	{"POST", "/admin_maintenance/end", ACCESS_ADMIN, end_send, .right = RIGHT_CHANGE},
	{0},
};

static const struct menu_entry menu[] = {
	{N_("Maintenance mode settings"), "/admin_maintenance", ACCESS_ADMIN, RIGHT_LOOK},
	{0},
};

INKAN_PLUGIN = {
	.abi = INKAN_ABI,
	.name = "admin_maintenance",
	.routes = routes,
	.menu = menu,
	.pause = pause_ask,
	.health = health,
	.start = pause_start,
};
