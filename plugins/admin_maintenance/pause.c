/* Keeps the row of maintenance mode for all threads of the process, at most a second old, and makes the banner of it. */
#include "pause.h"

#include <pthread.h>

/* With the time that reading takes, well within the 2 s after which every process has to know. One statement a second and process. */
#define AGE_MAX SECOND

/* A copy without an arena. */
struct copy {
	uint64_t version;
	when from, until;
	bool announced;
	char message[LANG_COUNT][MESSAGE_MAX * 4 + 1]; /* a code point has 4 bytes at most */
};

static struct {
	pthread_mutex_t lock;
	struct copy copy;
	when read_at;   /* clock_monotonic(); 0: to be read with the next page */
	bool reading;   /* some thread does: the others go on with what is known */
	unsigned wishes; /* counts pause_forget(), so that none is lost while a thread reads */
} known = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void copy_fill(struct copy *to, const struct maintenance *m)
{
	*to = (struct copy){.version = m->version, .from = m->from, .until = m->until, .announced = m->announced};
	for (int lang = 0; lang < LANG_COUNT; lang++)
		snprintf(to->message[lang], sizeof to->message[lang], "%s", m->message[lang]);
}

/* Whether this thread is the one to read. */
static bool reading_begins(unsigned *ret_wishes)
{
	pthread_mutex_lock(&known.lock);
	bool mine = !known.reading && (!known.read_at || clock_monotonic() - known.read_at >= AGE_MAX);
	known.reading = known.reading || mine;
	*ret_wishes = known.wishes;
	pthread_mutex_unlock(&known.lock);
	return mine;
}

static enum status read_row(struct arena *a, struct db *db, unsigned wishes)
{
	struct maintenance m;
	enum status s = maintenance_get(db, a, &m);

	pthread_mutex_lock(&known.lock);
	if (s == STATUS_OK)
		copy_fill(&known.copy, &m);
	known.reading = false;
	known.read_at = known.wishes == wishes ? clock_monotonic() : 0;
	pthread_mutex_unlock(&known.lock);
	return s;
}

enum status pause_start(struct arena *a, struct db *db)
{
	return read_row(a, db, 0);
}

void pause_forget(void)
{
	pthread_mutex_lock(&known.lock);
	known.wishes++;
	known.read_at = 0;
	pthread_mutex_unlock(&known.lock);
}

static struct maintenance known_row(struct arena *a)
{
	pthread_mutex_lock(&known.lock);
	struct maintenance m = {.version = known.copy.version, .from = known.copy.from, .until = known.copy.until,
		.announced = known.copy.announced};
	for (int lang = 0; m.from && lang < LANG_COUNT; lang++)
		m.message[lang] = arena_string(a, known.copy.message[lang]);
	pthread_mutex_unlock(&known.lock);
	return m;
}

enum maintenance_state maintenance_state(const struct maintenance *m, when now)
{
	if (!m->from)
		return MAINTENANCE_OFF;
	if (now < m->from)
		return MAINTENANCE_AHEAD;
	return m->until && now >= m->until ? MAINTENANCE_OVER : MAINTENANCE_ON;
}

char *maintenance_banner(struct arena *a, const struct maintenance *m, bool ahead, enum lang lang)
{
	const char *until = m->until ? clock_show(a, m->until, lang) : "", *message = m->message[lang];
	enum lang before = i18n_lang();
	char *text;

	i18n_use(lang);
	if (ahead)
		text = arena_printf(a, "%s %s – %s\n%s", _("Scheduled maintenance:"), clock_show(a, m->from, lang), until, message);
	else if (m->until)
		text = arena_printf(a, "%s\n%s %s", message, _("Expected end:"), until);
	else
		text = arena_string(a, message);
	i18n_use(before);
	return text;
}

enum status pause_ask(struct request *rq, struct site_pause *ret)
{
	unsigned wishes;

	if (rq->db && reading_begins(&wishes)) {
		enum status s = read_row(rq->arena, rq->db, wishes);
		if (s != STATUS_OK)
			log_status(s, "maintenance mode, the last known state counts");
	}
	struct maintenance m = known_row(rq->arena);
	enum maintenance_state state = maintenance_state(&m, rq->now);
	if (state == MAINTENANCE_ON)
		*ret = (struct site_pause){.paused = true, .until = m.until, .message = maintenance_banner(rq->arena, &m, false, rq->lang)};
	else if (state == MAINTENANCE_AHEAD && m.announced)
		*ret = (struct site_pause){.message = maintenance_banner(rq->arena, &m, true, rq->lang)};
	return STATUS_OK;
}
