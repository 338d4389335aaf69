/* The floor of the dashboard: bare libfcgi, the same statements, the same views by bare ctemplate; no session rules, log or limits.
 *
 *   bare_dashboard SOCKET THREADS DB_SOCKET DB_USER DB_PASSWORD_FILE VIEW_DIR VERSION STATEMENTS LOCALE_DIR
 *
 * A thread is a loop of FCGX_Accept_r with one connection to the database. All texts are translated once, before the first request.
 * STATEMENTS.Prepare and .Execute hold what the portal prepared and then executed for one page, one statement a line. All of it is
 * executed for every page, in that order and with those values; only the digest of the session is computed anew. What is on the page
 * comes from the session and the list; of other statements the rows are fetched. */
#include <ctemplate/template.h>
#include <ctemplate/template_cache.h>
#include <ctemplate/template_dictionary.h>
#include <fcgiapp.h>
#include <libintl.h>
#include <locale.h>
#include <mysql.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

using ctemplate::StaticTemplateString;
using ctemplate::TemplateDictionary;
using ctemplate::TemplateString;

#define DIE_UNLESS(expr)                                                                                     \
	do {                                                                                                 \
		if (!(expr)) {                                                                               \
			fprintf(stderr, "bare_dashboard: %s failed\n", #expr);                               \
			exit(1);                                                                             \
		}                                                                                            \
	} while (0)

namespace
{

// clang-format off
#define NAMES(X)                                                                                             \
	X(LANG) X(TITLE) X(SITE) X(VERSION) X(DEMO) X(IN_EN) X(IN_JA) X(LANG_URL) X(USER) X(USER_EPPN) X(USER_NAME)   \
	X(ENTRY) X(ENTRY_PATH) X(ENTRY_TITLE) X(CSRF) X(BODY) X(FORM) X(NAME) X(TYPE_TITLE) X(TYPE_PURPOSE)  \
	X(PATH) X(TYPE_BUTTON) X(APPLICANT_MAIL) X(FORM_KEY) X(PARTS) X(FIXED) X(COUNTED) X(MONTHS) X(LIST)  \
	X(ALL) X(TOGGLE_URL) X(SEARCH) X(WORDS) X(WORDS_MAX) X(STATE_OPTION) X(STATE_NAME) X(STATE_LABEL)    \
	X(TABLE) X(ROW) X(ROW_PATH) X(NUMBER) X(TYPE) X(APPLIED_ON) X(PHASE) X(PHASE_CLASS) X(STATE)         \
	X(STATE_CLASS) X(HAS_EXPIRY) X(EXPIRES_ON) X(HAS_MEMO) X(MEMO)
// clang-format on
#define X(name) const StaticTemplateString k##name = STS_INIT(k##name, #name);
NAMES(X)
#undef X

const char headers[] =
	"Status: 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nCache-Control: no-cache, private\r\n"
	"Referrer-Policy: same-origin\r\nContent-Security-Policy: default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' "
	"data:; font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'\r\n";

constexpr unsigned COLS_MAX = 64;
constexpr unsigned long CELL_MAX = 4096;
constexpr unsigned ARGS_MAX = 16;
constexpr unsigned ROWS_SHOWN = 50; /* one more is asked for */
/* Of the columns, those that the page shows. A name that comes twice is meant where it comes first behind the one before. */
enum { S_EPPN, S_NAME, S_MAIL };
const char *const session_columns[] = {"eppn", "name", "mail", nullptr};
enum { L_NUMBER, L_MEMO, L_CREATED, L_NOT_AFTER };
const char *const list_columns[] = {"number", "memo", "created_at", "not_after", nullptr};
const char *const no_columns[] = {nullptr};
constexpr unsigned SHOWN_MAX = 8;

/* Something that the portal asks for one page. */
struct question {
	enum { SESSION, LIST, OTHER } what;
	std::string sql;
	std::vector<std::string> args; /* of a session: none */
	std::vector<bool> arg_is_text;
};

struct settings {
	const char *db_socket, *db_user, *version;
	std::string password;
	std::vector<question> questions; /* the first is the session's */
	int fd;
} set;
ctemplate::TemplateCache *cache;

/* The filter's states, and their labels. */
constexpr unsigned STATES = 6;
const char *const state_names[STATES] = {"requested", "not-taken", "valid", "expired", "revoked", "error"};
const char *const state_labels[STATES] = {
	"Requested", "Not downloaded", "Valid", "Expired", "Revoked", "Error"};

/* What is not in the views. */
struct words {
	const char *lang, *lang_section_url, *site;
	std::string title, type, purpose, button, valid, layout, menu[2], states[STATES];
};
words english = {"en", "/?lang=ja", "Client Certificate Portal", "", "", "", "", "", "", {}, {}};
words japanese = {"ja", "/?lang=en", "クライアント証明書発行システム", "", "", "", "", "", "", {}, {}};

struct statement {
	MYSQL_STMT *handle;
	unsigned cols;
	long long numbers[COLS_MAX];
	char texts[COLS_MAX][CELL_MAX];
	unsigned long lens[COLS_MAX];
	my_bool nulls[COLS_MAX];
	unsigned at[SHOWN_MAX]; /* where the shown ones are */
	MYSQL_BIND args[ARGS_MAX];
	long long arg_numbers[ARGS_MAX];
};

void args_bind(const question &q, statement *s)
{
	DIE_UNLESS(mysql_stmt_param_count(s->handle) == (q.what == question::SESSION ? 1 : q.args.size()));
	for (size_t i = 0; i < q.args.size(); i++) {
		s->arg_numbers[i] = strtoll(q.args[i].c_str(), nullptr, 10);
		s->args[i].buffer_type = q.arg_is_text[i] ? MYSQL_TYPE_STRING : MYSQL_TYPE_LONGLONG;
		s->args[i].buffer = q.arg_is_text[i] ? const_cast<char *>(q.args[i].data())
						     : static_cast<void *>(&s->arg_numbers[i]);
		s->args[i].buffer_length = q.args[i].size();
	}
}

void statement_prepare(MYSQL *my, const question &q, statement *s)
{
	const char *const *shown = q.what == question::SESSION ? session_columns
				   : q.what == question::LIST  ? list_columns
							       : no_columns;
	MYSQL_BIND binds[COLS_MAX] = {};

	s->handle = mysql_stmt_init(my);
	DIE_UNLESS(s->handle && mysql_stmt_prepare(s->handle, q.sql.data(), q.sql.size()) == 0);
	args_bind(q, s);
	s->cols = mysql_stmt_field_count(s->handle);
	MYSQL_RES *about = mysql_stmt_result_metadata(s->handle);
	DIE_UNLESS(about && s->cols <= COLS_MAX);
	for (unsigned i = 0; i < s->cols; i++) {
		bool text = mysql_fetch_fields(about)[i].type >= MYSQL_TYPE_VARCHAR;

		binds[i].buffer_type = text ? MYSQL_TYPE_STRING : MYSQL_TYPE_LONGLONG;
		binds[i].buffer = text ? s->texts[i] : static_cast<void *>(&s->numbers[i]);
		binds[i].buffer_length = text ? CELL_MAX : sizeof s->numbers[i];
		binds[i].length = &s->lens[i];
		binds[i].is_null = &s->nulls[i];
	}
	for (unsigned n = 0, col = 0; shown[n]; n++) {
		while (col < s->cols && strcmp(mysql_fetch_fields(about)[col].name, shown[n]) != 0)
			col++;
		DIE_UNLESS(col < s->cols);
		s->at[n] = col;
	}
	mysql_free_result(about);
	DIE_UNLESS(mysql_stmt_bind_result(s->handle, binds) == 0);
}

TemplateString text_at(const statement *s, unsigned shown)
{
	return TemplateString(s->texts[s->at[shown]], s->lens[s->at[shown]]);
}

long long number_at(const statement *s, unsigned shown)
{
	return s->numbers[s->at[shown]];
}

void date_set(TemplateDictionary *d, const words *w, const StaticTemplateString &name, long long ms)
{
	static const char *const months[] = {
		"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t seconds = static_cast<time_t>(ms / 1000);
	char text[64];
	struct tm tm;

	localtime_r(&seconds, &tm);
	int len = w == &japanese ? snprintf(text, sizeof text, "%04d/%02d/%02d", tm.tm_year + 1900,
					   tm.tm_mon + 1, tm.tm_mday)
				 : snprintf(text, sizeof text, "%d %s %d", tm.tm_mday, months[tm.tm_mon],
					   tm.tm_year + 1900);
	d->SetValue(name, TemplateString(text, static_cast<size_t>(len)));
}

void number_set(TemplateDictionary *d, const StaticTemplateString &name, const char *before, long long number)
{
	char text[64];
	int len = snprintf(text, sizeof text, "%s%lld", before, number);

	d->SetValue(name, TemplateString(text, static_cast<size_t>(len)));
}

void layout_fill(TemplateDictionary *page, const words *w, const statement *user, const char *csrf)
{
	page->SetValue(kLANG, w->lang);
	page->SetValue(kTITLE, w->title);
	page->SetValue(kSITE, w->site);
	page->SetValue(kVERSION, set.version);
	page->SetValue(kCSRF, csrf);
	page->ShowSection(kDEMO);
	page->AddSectionDictionary(w == &japanese ? kIN_JA : kIN_EN)
		->SetValue(kLANG_URL, w->lang_section_url);
	TemplateDictionary *section = page->AddSectionDictionary(kUSER);
	section->SetValue(kUSER_EPPN, text_at(user, S_EPPN));
	section->SetValue(kUSER_NAME, text_at(user, S_NAME));
	const char *const paths[] = {"/calendar", "/demo_mailbox/"};
	for (unsigned i = 0; i < 2; i++) {
		TemplateDictionary *entry = section->AddSectionDictionary(kENTRY);
		entry->SetValue(kENTRY_PATH, paths[i]);
		entry->SetValue(kENTRY_TITLE, w->menu[i]);
	}
}

void form_fill(TemplateDictionary *body, const words *w, const statement *user, const char *csrf)
{
	TemplateDictionary *form = body->AddSectionDictionary(kFORM);

	form->SetValue(kNAME, "client");
	form->SetValue(kPATH, "/client/apply");
	form->SetValue(kTYPE_TITLE, w->type);
	form->SetValue(kTYPE_PURPOSE, w->purpose);
	form->SetValue(kTYPE_BUTTON, w->button);
	form->SetValue(kAPPLICANT_MAIL, text_at(user, S_MAIL));
	form->SetValue(kCSRF, csrf);
	form->SetValue(kFORM_KEY, "AAAAAAAAAAAAAAAAAAAAAA");
	TemplateDictionary *parts = form->AddIncludeDictionary(kPARTS);
	parts->SetFilename(std::string(w->lang) + "form_parts.html");
	parts->AddSectionDictionary(kFIXED)->AddSectionDictionary(kCOUNTED)->SetIntValue(kMONTHS, 52);
}

void row_fill(TemplateDictionary *row, const words *w, const statement *s)
{
	number_set(row, kROW_PATH, "/client/", number_at(s, L_NUMBER));
	number_set(row, kNUMBER, "", number_at(s, L_NUMBER));
	row->SetValue(kTYPE, w->type);
	date_set(row, w, kAPPLIED_ON, number_at(s, L_CREATED));
	row->SetValue(kPHASE, w->valid);
	row->SetValue(kPHASE_CLASS, "is-good");
	row->SetValue(kSTATE, w->valid);
	row->SetValue(kSTATE_CLASS, "is-good");
	if (number_at(s, L_NOT_AFTER))
		date_set(row->AddSectionDictionary(kHAS_EXPIRY), w, kEXPIRES_ON, number_at(s, L_NOT_AFTER));
	if (s->lens[s->at[L_MEMO]])
		row->AddSectionDictionary(kHAS_MEMO)->SetValue(kMEMO, text_at(s, L_MEMO));
}

void list_fill(TemplateDictionary *body, const words *w, statement *s)
{
	TemplateDictionary *list = body->AddSectionDictionary(kLIST);
	TemplateDictionary *search = list->AddSectionDictionary(kSEARCH);
	unsigned n = 0;

	search->SetIntValue(kWORDS_MAX, 200);
	for (unsigned i = 0; i < STATES; i++) {
		TemplateDictionary *option = search->AddSectionDictionary(kSTATE_OPTION);
		option->SetValue(kSTATE_NAME, state_names[i]);
		option->SetValue(kSTATE_LABEL, w->states[i]);
	}
	list->AddSectionDictionary(kALL)->SetValue(kTOGGLE_URL, "/?valid=1#applications");
	TemplateDictionary *table = list->AddSectionDictionary(kTABLE);
	while (mysql_stmt_fetch(s->handle) == 0)
		if (n++ < ROWS_SHOWN)
			row_fill(table->AddSectionDictionary(kROW), w, s);
	mysql_stmt_free_result(s->handle);
}

void execute(statement *s)
{
	DIE_UNLESS(mysql_stmt_bind_param(s->handle, s->args) == 0 && mysql_stmt_execute(s->handle) == 0 &&
		   mysql_stmt_store_result(s->handle) == 0);
}

bool session_find(statement *s, const char *cookies)
{
	const char *token = cookies ? strstr(cookies, "__Host-session=") : nullptr;
	unsigned char digest[SHA256_DIGEST_LENGTH];

	if (!token)
		return false;
	token += strlen("__Host-session=");
	SHA256(reinterpret_cast<const unsigned char *>(token), strcspn(token, ";"), digest);
	s->args[0].buffer_type = MYSQL_TYPE_BLOB;
	s->args[0].buffer = digest;
	s->args[0].buffer_length = sizeof digest;
	execute(s);
	bool found = mysql_stmt_fetch(s->handle) == 0;
	mysql_stmt_free_result(s->handle);
	return found;
}

void answer(FCGX_Request *fcgi, std::vector<statement> &statements)
{
	static const char csrf[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
	const char *accepts = FCGX_GetParam("HTTP_ACCEPT_LANGUAGE", fcgi->envp);
	const words *w = accepts && strncmp(accepts, "en", 2) == 0 ? &english : &japanese;
	const statement *session = &statements[0];
	std::string out;

	if (!session_find(&statements[0], FCGX_GetParam("HTTP_COOKIE", fcgi->envp))) {
		FCGX_PutS("Status: 403 Forbidden\r\n\r\n", fcgi->out);
		return;
	}
	TemplateDictionary page("page");
	layout_fill(&page, w, session, csrf);
	TemplateDictionary *body = page.AddIncludeDictionary(kBODY);
	body->SetFilename(std::string(w->lang) + "dashboard.html");
	form_fill(body, w, session, csrf);
	for (size_t i = 1; i < statements.size(); i++) {
		execute(&statements[i]);
		if (set.questions[i].what == question::LIST)
			list_fill(body, w, &statements[i]);
		while (set.questions[i].what != question::LIST && mysql_stmt_fetch(statements[i].handle) == 0)
			;
		mysql_stmt_free_result(statements[i].handle);
	}
	DIE_UNLESS(cache->ExpandNoLoad(w->layout, ctemplate::STRIP_BLANK_LINES, &page, nullptr, &out));
	FCGX_PutStr(headers, sizeof headers - 1, fcgi->out);
	FCGX_FPrintF(fcgi->out, "Content-Length: %lu\r\n\r\n", static_cast<unsigned long>(out.size()));
	FCGX_PutStr(out.data(), static_cast<int>(out.size()), fcgi->out);
}

void *worker(void *)
{
	std::vector<statement> statements(set.questions.size());
	MYSQL *my = mysql_init(nullptr);
	FCGX_Request fcgi;

	mysql_options(my, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	DIE_UNLESS(mysql_real_connect(my, nullptr, set.db_user, set.password.c_str(), "inkan", 0,
		set.db_socket, CLIENT_FOUND_ROWS));
	for (size_t i = 0; i < statements.size(); i++)
		statement_prepare(my, set.questions[i], &statements[i]);
	FCGX_InitRequest(&fcgi, set.fd, 0);
	while (FCGX_Accept_r(&fcgi) == 0) {
		answer(&fcgi, statements);
		FCGX_Finish_r(&fcgi);
	}
	return nullptr;
}

const char *translated(const words *w, const char *domain, const std::string &msgid)
{
	return w == &japanese ? dgettext(domain, msgid.c_str()) : msgid.c_str();
}

/* [[Some text]] is a msgid, in which any blanks count as one. */
void view_load(const words *w, const std::string &dir, const char *name)
{
	std::ifstream in(dir + "/core/" + name, std::ios::binary);
	std::ostringstream all;

	DIE_UNLESS(in && (all << in.rdbuf()));
	std::string text = all.str();
	for (size_t at; (at = text.find("[[")) != std::string::npos;) {
		size_t end = text.find("]]", at);
		DIE_UNLESS(end != std::string::npos);
		std::istringstream parts(text.substr(at + 2, end - at - 2));
		std::string msgid, part;
		while (parts >> part)
			msgid += (msgid.empty() ? "" : " ") + part;
		text.replace(at, end + 2 - at, translated(w, "core", msgid));
	}
	DIE_UNLESS(cache->StringToTemplateCache(w->lang + std::string(name),
		"{{%AUTOESCAPE context=\"HTML\"}}" + text, ctemplate::STRIP_BLANK_LINES));
}

void words_load(words *w, const char *view_dir)
{
	w->title = translated(w, "core", "Client certificate application dashboard");
	w->menu[0] = translated(w, "core", "Calendar");
	w->menu[1] = translated(w, "demo_mailbox", "Demo mailbox");
	w->type = translated(w, "client", "Client certificate");
	w->purpose = translated(w, "client",
		"Proves who you are when your device connects to the campus network, a VPN or a web service.");
	w->button = translated(w, "client", "Apply for a client certificate");
	w->valid = translated(w, "core", "Valid");
	w->layout = w->lang + std::string("layout.html");
	for (unsigned i = 0; i < STATES; i++)
		w->states[i] = translated(w, "core", state_labels[i]);
	for (const char *name : {"layout.html", "dashboard.html", "form_parts.html"})
		view_load(w, view_dir, name);
}

/* Takes the values out of an executed statement, of which sql is the form with question marks. */
bool args_learn(const std::string &sql, const std::string &executed, question *q)
{
	size_t from = 0, at = 0;

	q->args.clear();
	q->arg_is_text.clear();
	for (size_t mark; (mark = sql.find('?', from)) != std::string::npos; from = mark + 1) {
		if (executed.compare(at, mark - from, sql, from, mark - from) != 0)
			return false;
		at += mark - from;
		bool text = executed[at] == '\'';
		size_t end =
			text ? executed.find('\'', at + 1) : executed.find_first_not_of("-0123456789", at);
		if (end == std::string::npos && text)
			return false;
		if (end == std::string::npos)
			end = executed.size();
		q->args.push_back(executed.substr(at + text, end - at - text));
		q->arg_is_text.push_back(text);
		at = end + text;
	}
	return executed.compare(at, std::string::npos, sql, from, std::string::npos) == 0;
}

void questions_learn(const std::string &statements)
{
	std::ifstream prepared(statements + ".Prepare"), executed(statements + ".Execute");
	std::vector<std::string> known;
	std::string line;

	while (std::getline(prepared, line))
		known.push_back(line);
	while (std::getline(executed, line)) {
		bool session = line.find("FROM session JOIN") != std::string::npos, learned = false;
		question q = {};

		q.what = session						  ? question::SESSION
			 : line.find("ORDER BY number DESC") != std::string::npos ? question::LIST
										  : question::OTHER;
		for (size_t i = 0; i < known.size() && !learned; i++) {
			q.sql = known[i];
			learned = session ? known[i].find("FROM session JOIN") != std::string::npos
					  : args_learn(known[i], line, &q);
		}
		DIE_UNLESS(learned && q.args.size() <= ARGS_MAX && session == set.questions.empty());
		if (session)
			q.args.clear();
		set.questions.push_back(q);
	}
	DIE_UNLESS(set.questions.size() > 1);
}

} // namespace

int main(int argc, char **argv)
{
	if (argc != 10)
		return 2;
	int threads = static_cast<int>(strtol(argv[2], nullptr, 10));
	setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", "200", 1); /* as the portal does */
	setenv("LIBFCGI_IS_AF_UNIX_KEEPER_POLL_TIMEOUT", "200", 1);
	umask(0);
	DIE_UNLESS(FCGX_Init() == 0);
	signal(SIGTERM, SIG_DFL);
	set.db_socket = argv[3];
	set.db_user = argv[4];
	std::ifstream password(argv[5]);
	DIE_UNLESS(std::getline(password, set.password));
	questions_learn(argv[8]);
	set.version = argv[7];
	set.fd = FCGX_OpenSocket(argv[1], 4096);
	DIE_UNLESS(set.fd >= 0 && threads > 0 && threads <= 64);
	cache = new ctemplate::TemplateCache;
	DIE_UNLESS(setlocale(LC_MESSAGES, "ja_JP.UTF-8"));
	for (const char *domain : {"core", "client", "demo_mailbox"})
		DIE_UNLESS(bindtextdomain(domain, argv[9]) && bind_textdomain_codeset(domain, "UTF-8"));
	for (words *w : {&english, &japanese})
		words_load(w, argv[6]);
	cache->Freeze();
	std::vector<pthread_t> all(static_cast<size_t>(threads));
	for (pthread_t &t : all)
		DIE_UNLESS(pthread_create(&t, nullptr, worker, nullptr) == 0);
	for (pthread_t t : all)
		pthread_join(t, nullptr);
	return 0;
}
