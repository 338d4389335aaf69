/* The download itself: the certificate is signed here, handed over, and counted as taken. */
#include "local.h"

#include "mobileconfig.h"
#include "name.h"

/* Whether this browser gave the PIN, lately and as the last one. */
static bool unlocked(const struct local_order *order, struct bytes cookie_digest, when now)
{
	return order->unlock_digest.len && cookie_digest.len == order->unlock_digest.len &&
	       now < order->unlock_until &&
	       memcmp(cookie_digest.data, order->unlock_digest.data, cookie_digest.len) == 0;
}

static enum status ask_again(struct request *rq)
{
	request_secret(rq);
	return request_redirect(
		rq, arena_printf(rq->arena, "/" LOCAL_NAME "/take/%s?again=1", request_part(rq, "token")));
}

static const struct device {
	const char *system, *title, *format;
} devices[] = {{"ios", "iPhone / iPad", LOCAL_APPLE}, {"macos", "Mac", "compatible"},
	{"android", "Android", "compatible"}, {"windows", "Windows", "modern"}, {"linux", "Linux", "modern"}};

/* NULL: not one of these, or it does not tell. */
static const struct device *device_of(struct request *rq)
{
	const char *system = request_system(rq);
	for (size_t i = 0; i < COUNT_OF(devices); i++)
		if (text_same(devices[i].system, system))
			return &devices[i];
	return NULL;
}

/* What suits the device of this browser. Apple's importers, older Androids (Chrome does not tell which it runs on) and
 * Windows before 10 call the modern format a wrong password; iPhones install a profile most easily. Only preselects: the person decides. */
static const char *format_preferred(struct request *rq, const struct device *device)
{
	const char *agent = request_header(rq, "HTTP_USER_AGENT");
	bool old = agent && strstr(agent, "Windows NT 6.");
	if (!device)
		return "modern";
	return old ? "compatible" : device->format;
}

static void choice_fill(struct request *rq, struct model *choice, const struct device *device)
{
	const char *format = format_preferred(rq, device);
	if (text_same(format, LOCAL_APPLE))
		model_show(choice, "PREFER_APPLE");
	else if (text_same(format, "compatible"))
		model_show(choice, "PREFER_COMPATIBLE");
	else
		model_show(choice, "PREFER_MODERN");
	if (device)
		model_set(model_section(choice, "CHOSEN"), "SYSTEM", device->title);
	model_set_int(choice, "MINUTES", local_settings.repeat_time / MINUTE);
}

/* Where installing goes on: the page of the guide for this device. */
static void guide_fill(struct request *rq, struct model *m, const struct device *device)
{
	request_set_header(rq, "Vary", "Sec-CH-UA-Platform, User-Agent");
	if (!device) {
		model_show(m, "NO_GUIDE");
		return;
	}
	struct model *guide = model_section(m, "GUIDE");
	model_setf(guide, "GUIDE_PATH", "/help/%s", device->system);
	model_set(guide, "SYSTEM", device->title);
}

static void repeat_fill(struct request *rq, struct model *m, const struct local_order *order)
{
	model_set(model_section(m, "REPEAT"), "UNTIL", clock_show(rq->arena, order->repeat_until, rq->lang));
	struct model *format = model_section(m, "FORMAT");
	if (text_same(order->p12_format, LOCAL_APPLE))
		model_show(format, "IS_APPLE");
	else if (text_same(order->p12_format, "compatible"))
		model_show(format, "IS_COMPATIBLE");
	else
		model_show(format, "IS_MODERN");
}

static const char *type_title(const struct local_order *order)
{
	const struct plugin *type = plugin_type(order->type);
	return type ? i18n_text(type->name, type->type->title) : order->type;
}

enum status download_page(struct request *rq)
{
	struct local_order order;
	struct bytes cookie = take_cookie_digest(rq);
	enum status s = take_find(rq, &order);
	if (s == STATUS_MISSING)
		return take_ended(rq, TAKE_UNKNOWN);
	if (s != STATUS_OK)
		return s;
	enum take_state state = take_state(&order, cookie, rq->now);
	if (state == TAKE_OPEN && !unlocked(&order, cookie, rq->now))
		return ask_again(rq);
	if (state != TAKE_OPEN && state != TAKE_REPEAT)
		return take_ended(rq, state);

	struct model *m = model_new(rq->arena);
	model_set(m, "ACTION",
		arena_printf(rq->arena, "/" LOCAL_NAME "/take/%s/download", request_part(rq, "token")));
	model_set(m, "TYPE", type_title(&order));
	model_set_int(m, "NUMBER", order.number);
	model_set(m, "SUBJECT", order.subject);
	model_set_int(m, "MONTHS", order.months);
	model_set(m, "DETAILS", arena_printf(rq->arena, "/%s/%u", order.type, order.number));
	const struct device *device = device_of(rq);
	guide_fill(rq, m, device);
	struct model *stages = model_include(m, "STAGES", "upstream_local/stages.html");
	if (state == TAKE_REPEAT) {
		model_show(stages, "AT_INSTALL");
		repeat_fill(rq, m, &order);
	} else {
		model_show(stages, "AT_DOWNLOAD");
		choice_fill(rq, model_section(m, "CHOICE"), device);
	}
	request_secret(rq);
	return request_page(rq, "upstream_local/download.html", _("Certificate download"), m);
}

struct download_task {
	struct request *rq;
	const char *format; /* as asked for */
	struct bytes cookie;
	struct local_order order;
	struct local_certificate certificate; /* when it is TAKE_OPEN */
	enum take_state state;
	bool locked;
	struct local_file file; /* perhaps in another format: the one in which it was made */
};

/* The one place where certificates come into being. Everybody who downloads this order takes turns at its row; the first one signs. */
static enum status download_body(struct db *db, void *context)
{
	struct download_task *t = context;
	struct arena *a = t->rq->arena;
	struct local_order *order = &t->order;
	enum status s = take_lock(t->rq, order);
	if (s != STATUS_OK)
		return s;
	t->state = take_state(order, t->cookie, t->rq->now);
	t->locked = t->state == TAKE_OPEN && !unlocked(order, t->cookie, t->rq->now);
	if (t->state == TAKE_REPEAT)
		return issue_stored(a, order, &t->file);
	if (t->state != TAKE_OPEN || t->locked)
		return STATUS_OK;
	s = issue_certificate(a, db, order, clock_now(), &t->certificate);
	if (s == STATUS_OK)
		s = issue_file(a, db, order, &t->certificate, t->format, &t->file);
	if (s == STATUS_OK)
		s = audit_add(db, "certificate.sent",
			arena_printf(a, "application:%llu", (unsigned long long)order->application),
			arena_printf(a, "serial %s", t->certificate.serial));
	return s;
}

struct taken_task {
	struct arena *arena;
	struct bytes cookie;
	struct local_certificate certificate;
	struct local_file file;
	when now;
};

static enum status taken_body(struct db *db, void *context)
{
	const struct taken_task *t = context;
	bool first;
	/* What this browser has is what it may have again, even if the row holds the file of another one that gave the PIN meanwhile. */
	enum status s = local_order_taken(db, t->certificate.application, t->cookie, t->now,
		t->now + local_settings.repeat_time, t->file.format, t->file.sealed, &first);
	if (s != STATUS_OK || !first)
		return s; /* another reply was faster, or it was revoked */
	return order_report_taken(t->arena, db, &t->certificate, t->now);
}

/* The whole file is with nginx: taken. When it is not, or this cannot be written down, the PIN opens the address again, and the sweep
 * tells the core in time. */
static void download_after(struct request *rq, bool complete, void *context)
{
	struct taken_task *task = context;
	uint64_t application = task->certificate.application;
	enum status s;
	if (!complete) {
		log_info("download of application %llu, not handed over completely; the PIN opens it again",
			(unsigned long long)application);
		s = local_order_forget_p12(rq->db, application, task->file.sealed); /* the next one may choose anew */
		if (s != STATUS_OK)
			log_status(s, "download, its file is still there");
		return;
	}
	task->now = clock_now();
	s = db_transact(rq->db, taken_body, task);
	if (s != STATUS_OK)
		log_status(s, "download, that it was taken could not be recorded");
}

static enum status download_hand_over(struct request *rq, const struct download_task *task)
{
	const struct local_order *order = &task->order;
	struct taken_task *taken = arena_alloc(rq->arena, sizeof *taken);
	*taken = (struct taken_task){
		.arena = rq->arena, .cookie = task->cookie, .certificate = task->certificate, .file = task->file};
	if (task->state == TAKE_OPEN)
		request_after(rq, download_after, taken);
	request_secret(rq);
	bool apple = text_same(task->file.format, LOCAL_APPLE);
	return request_send(rq, apple ? MOBILECONFIG_TYPE : "application/x-pkcs12",
		arena_printf(rq->arena, "%s-%u.%s", order->type, order->number, apple ? "mobileconfig" : "p12"),
		task->file.plain);
}

enum status download_send(struct request *rq)
{
	const char *format = request_field(rq, "format");
	if (!format)
		format = "modern";
	if (!text_same(format, "modern") && !text_same(format, "compatible") && !text_same(format, LOCAL_APPLE))
		return cause(STATUS_INVALID, "field format is neither modern nor compatible nor apple");
	struct download_task task = {.rq = rq, .format = format, .cookie = take_cookie_digest(rq)};
	enum status s = db_transact(rq->db, download_body, &task);
	if (s == STATUS_MISSING)
		return take_ended(rq, TAKE_UNKNOWN);
	if (s != STATUS_OK)
		return s;
	if (task.state != TAKE_OPEN && task.state != TAKE_REPEAT)
		return take_ended(rq, task.state);
	if (task.locked)
		return ask_again(rq);
	return download_hand_over(rq, &task);
}
