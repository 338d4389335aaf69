/* The program `inkan`: its commands, and the order in which everything starts and stops. */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>
#include <uv.h>

#include "base/password.h"
#include "issue/handover.h"
#include "issue/order.h"
#include "issue/remind.h"
#include "issue/upkeep.h"
#include "pages/pages.h"
#include "plugin.h"
#include "settings.h"
#include "store/migrate.h"

#define CONFIG_DIR "/etc/inkan"

/* What every command has at hand; lives as long as the process. */
struct program {
	struct arena *arena;
	const char *config_dir;
	struct settings settings;
	struct db *db;
};

static const struct job_kind *const core_jobs[] = {order_jobs, handover_jobs, upkeep_jobs, mail_jobs, remind_jobs, retention_job, NULL};

/* Reads and checks the configuration of the core and of the enabled plugins. */
static enum status program_configure(struct program *p)
{
	struct settings *c = &p->settings;
	enum status s = config_read(p->arena, arena_printf(p->arena, "%s/inkan.conf", p->config_dir), settings_list, c);
	if (s == STATUS_OK)
		s = settings_check(c);
	if (s == STATUS_OK)
		s = remind_start(&c->remind);
	if (s != STATUS_OK)
		return s;
	enum log_level least = LOG_INFO;
	if (!log_level_parse(c->log_level, &least))
		return cause(STATUS_INVALID, "inkan.conf: log_level = %s", c->log_level);
	log_start(least);
#ifdef INKAN_TEST
	if (c->test_clock[0])
		clock_shift_file(c->test_clock);
#endif
	c->saml.title_ja = c->title_ja;
	c->saml.title_en = c->title_en;
	site_set(&(struct site){.base_url = c->base_url, .title_ja = c->title_ja, .title_en = c->title_en,
		.contact = c->contact, .demo = c->demo});
	s = clock_start(c->zone);
	if (s == STATUS_OK)
		s = i18n_start(c->locale_dir);
	if (s == STATUS_OK)
		s = crypto_start(c->seal_keys);
	if (s == STATUS_OK)
		s = plugin_add(&core_plugin);
	if (s == STATUS_OK)
		s = plugin_load(c->plugin_dir, c->plugins, c->demo);
	if (s == STATUS_OK)
		s = plugin_configure(p->arena, p->config_dir);
	for (size_t i = 0; s == STATUS_OK && i < plugin_count(); i++)
		i18n_domain(plugin_at(i)->name);
	return s;
}

/* The connection for commands: serve's account, or the one with DDL. */
static void program_connect(struct program *p, bool admin)
{
	struct db_settings *settings = &p->settings.db;
	if (admin && p->settings.db_admin.user[0]) {
		settings = arena_copy(p->arena, settings, sizeof *settings);
		settings->user = p->settings.db_admin.user;
		settings->password = p->settings.db_admin.password;
	}
	p->db = db_new(settings);
}

/* Secrets never reach a core dump, nor a debugger of another process of the same account. */
static void harden(void)
{
	umask(0027);
#ifndef INKAN_TEST
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

static enum status schema_check(struct program *p)
{
	enum status s = migrate_check(p->db, p->arena, p->settings.migration_dir, plugin_names(p->arena));
	if (s == STATUS_CONFLICT) {
		const char *why = arena_string(p->arena, cause_text());
		return cause(s, "%s; run `inkan migrate`", why);
	}
	return s;
}

static void on_signal(uv_signal_t *handle, int number)
{
	log_info("server, stopping (signal %d)", number);
	uv_stop(handle->loop);
}

static void close_handle(uv_handle_t *handle, void *unused)
{
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

/* Everything that serves pages and runs jobs, from first to last and back. */
static enum status serve_run(struct program *p, uv_loop_t *loop)
{
	struct settings *c = &p->settings;
	session_start(&c->session);
	pages_start();
	pages_assets(c->view_dir);
	pages_ca(&c->ca);
	pages_day_max(c->applications_per_day);
	exports_start(c->exports);
	uploads_start(c->upload_time);
	retention_start(&c->retention);
	order_start(plugin_upstream);
	handover_start(plugin_card);
	upkeep_start(bytes_string(c->audit_key.value), plugin_sealed(p->arena));
	enum status s = plugin_start(p->arena, p->db);
	if (s != STATUS_OK)
		return s;
	s = poll_start(&c->poll, &c->db, plugin_jobs(p->arena, core_jobs));
	if (s == STATUS_OK) {
		s = server_start(loop, &c->server, &c->db);
		if (s == STATUS_OK) {
			log_info("server, ready at %s (%zu plugins)", c->base_url, plugin_count() - 1);
			uv_run(loop, UV_RUN_DEFAULT);
			server_stop();
		}
		if (!poll_stop(c->stop_time)) {
			/* Threads that still run use what the rest of the way down would free. */
			log_warning("server, ended with jobs at work");
			_exit(0);
		}
	}
	plugin_stop();
	return s;
}

static enum status command_serve(struct program *p, int argc, char **argv)
{
	struct settings *c = &p->settings;
	harden();
	server_prepare();
	enum status s = program_configure(p);
	if (s == STATUS_OK)
		s = admin_start(&c->admin);
	if (s == STATUS_OK)
		s = saml_start(&c->saml, c->base_url);
	if (s == STATUS_OK)
		s = view_start(c->view_dir, plugin_names(p->arena));
	c->mail.contact = c->contact;
	if (s == STATUS_OK)
		s = mail_start(&c->mail, c->base_url, plugin_upstream_mails);
	if (s != STATUS_OK)
		return s;
	program_connect(p, false);
	s = schema_check(p);
	if (s != STATUS_OK)
		return s;

	uv_loop_t loop;
	uv_signal_t stop[2];
	const int numbers[] = {SIGTERM, SIGINT};
	uv_loop_init(&loop);
	for (size_t i = 0; i < COUNT_OF(stop); i++) {
		uv_signal_init(&loop, &stop[i]);
		uv_signal_start(&stop[i], on_signal, numbers[i]);
	}
	s = serve_run(p, &loop);
	uv_walk(&loop, close_handle, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_loop_close(&loop);
	saml_stop();
	if (s == STATUS_OK)
		log_info("server, stopped");
	return s;
}

/* A commented configuration to start from: the core's, or that of the plugin in a file DIR/NAME.so, which need not be enabled. */
static enum status sample_print(struct program *p, const char *file)
{
	if (!file) {
		config_sample("inkan.conf", settings_list);
		return STATUS_OK;
	}
	const char *slash = strrchr(file, '/');
	if (!slash || !text_ends(file, ".so"))
		return cause(STATUS_INVALID, "usage: inkan check --sample [DIR/PLUGIN.so]");
	const char *dir = arena_stringn(p->arena, file, (size_t)(slash - file));
	const char *name = arena_stringn(p->arena, slash + 1, strlen(slash + 1) - strlen(".so"));
	enum status s = plugin_load(dir, (const char *const[]){name, NULL}, true);
	if (s == STATUS_OK && plugin_at(0)->settings)
		config_sample(arena_printf(p->arena, "%s.conf", name), plugin_at(0)->settings);
	return s;
}

/* Every page there is with this configuration, and whom it is for: a line METHOD PATH ACCESS PLUGIN each. */
static void routes_print(void)
{
	static const char *const access[] = {[ACCESS_ANYONE] = "anyone", [ACCESS_USER] = "user", [ACCESS_ADMIN] = "administrator"};
	static const char *const rights[] = {[RIGHT_LOOK] = "look", [RIGHT_REVOKE] = "revoke", [RIGHT_AUDIT] = "audit", [RIGHT_CHANGE] = "change"};

	for (size_t i = 0; i < plugin_count(); i++)
		for (const struct route *r = plugin_at(i)->routes; r && r->path; r++)
			printf("%s\t%s\t%s%s%s\t%s\n", r->method, r->path, access[r->access], r->access == ACCESS_ADMIN ? "/" : "",
				r->access == ACCESS_ADMIN ? rights[r->right] : "", plugin_at(i)->name);
}

/* On standard error, after everything else: no error, and the exit code does not tell. */
static void warnings_print(struct arena *a)
{
	for (size_t i = 0; i < plugin_count(); i++) {
		const struct plugin *plugin = plugin_at(i);
		const char *sentence;
		for (size_t k = 0; plugin->warning && (sentence = plugin->warning(a, k)); k++)
			fprintf(stderr, "inkan check: warning: %s.conf: %s\n", plugin->name, sentence);
	}
}

static enum status command_check(struct program *p, int argc, char **argv)
{
	if (argc > 1 && text_same(argv[1], "--sample"))
		return sample_print(p, argv[2]);
	enum status s = program_configure(p);
	if (s != STATUS_OK)
		return s;
	if (argc > 1 && text_same(argv[1], "--routes")) {
		routes_print();
		return STATUS_OK;
	}
	config_print("inkan.conf", arena_printf(p->arena, "%s/inkan.conf", p->config_dir), settings_list, &p->settings);
	for (size_t i = 0; i < plugin_count(); i++) {
		const struct plugin *plugin = plugin_at(i);
		const char *file = arena_printf(p->arena, "%s.conf", plugin->name);
		if (plugin->settings)
			config_print(file, arena_printf(p->arena, "%s/%s", p->config_dir, file), plugin->settings,
				plugin->settings_into);
	}
	s = admin_start(&p->settings.admin);
	if (s == STATUS_OK)
		s = saml_start(&p->settings.saml, p->settings.base_url);
	if (s == STATUS_OK)
		s = view_start(p->settings.view_dir, plugin_names(p->arena));
	if (s != STATUS_OK)
		return s;
	program_connect(p, false);
	s = schema_check(p);
	fflush(stdout);
	if (s == STATUS_OK)
		warnings_print(p->arena);
	return s;
}

static enum status command_migrate(struct program *p, int argc, char **argv)
{
	enum status s = program_configure(p);
	if (s != STATUS_OK)
		return s;
	program_connect(p, true);
	unsigned applied = 0;
	s = migrate_run(p->db, p->arena, p->settings.migration_dir, plugin_names(p->arena), &applied);
	if (s == STATUS_OK)
		printf("%u migrations applied\n", applied);
	return s;
}

static enum status command_audit(struct program *p, int argc, char **argv)
{
	if (argc != 2 || !text_same(argv[1], "verify"))
		return cause(STATUS_INVALID, "usage: inkan audit verify");
	enum status s = program_configure(p);
	if (s != STATUS_OK)
		return s;
	program_connect(p, false);
	uint64_t rows = 0, tail = 0;
	s = audit_verify(p->db, p->arena, bytes_string(p->settings.audit_key.value), &rows, &tail);
	if (s == STATUS_OK)
		printf("audit trail unbroken: %llu rows chained, %llu rows not yet chained\n", (unsigned long long)rows,
			(unsigned long long)tail);
	return s;
}

/* The walk itself is a job, so that it goes on after a crash and on any host that has the new key. */
static enum status command_keys(struct program *p, int argc, char **argv)
{
	if (argc != 2 || !text_same(argv[1], "rotate"))
		return cause(STATUS_INVALID, "usage: inkan keys rotate");
	enum status s = program_configure(p);
	if (s != STATUS_OK)
		return s;
	program_connect(p, false);
	s = job_add(p->db, "core.reseal", 0, "", 0, "reseal");
	if (s == STATUS_OK)
		puts("the servers now seal all secrets of the core and of the enabled plugins anew under the first key of seal_keys; an older "
		     "key may be removed when the log of one of them says that every value is done (`inkan jobs` lists failures)");
	return s;
}

/* What is not visible anywhere else: effects on the outside world that were given up. */
static enum status command_jobs(struct program *p, int argc, char **argv)
{
	int64_t id = 0;
	bool restart = argc == 3 && text_same(argv[1], "restart") && text_int(argv[2], 1, INT64_MAX, &id);
	if (argc != 1 && !restart)
		return cause(STATUS_INVALID, "usage: inkan jobs | inkan jobs restart ID");
	enum status s = program_configure(p);
	if (s != STATUS_OK)
		return s;
	program_connect(p, false);
	if (restart)
		return job_restart(p->db, (uint64_t)id);
	struct job_failure *all;
	size_t n;
	s = job_failures(p->db, p->arena, 1000, &all, &n);
	for (size_t i = 0; s == STATUS_OK && i < n; i++)
		printf("%llu\t%s\t%s %llu %s\t%s\n", (unsigned long long)all[i].id, clock_rfc3339(p->arena, all[i].created_at),
			all[i].kind, (unsigned long long)all[i].subject, all[i].payload, all[i].why);
	if (s == STATUS_OK && n == 0)
		puts("no job has failed");
	return s;
}

/* One line, unseen when it is typed. */
static bool password_ask(char *to, size_t room)
{
	struct termios before, hidden;
	bool terminal = tcgetattr(STDIN_FILENO, &before) == 0;

	if (terminal) {
		hidden = before;
		hidden.c_lflag &= ~(tcflag_t)ECHO;
		fputs("password: ", stderr);
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
	}
	bool read = fgets(to, (int)room, stdin) != NULL;
	if (terminal) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
		fputc('\n', stderr);
	}
	to[read ? strcspn(to, "\r\n") : 0] = '\0';
	return read;
}

static enum status command_admin(struct program *p, int argc, char **argv)
{
	char password[PASSWORD_MAX + 2];
	if (argc != 3 || !text_same(argv[1], "passwd"))
		return cause(STATUS_INVALID, "usage: inkan admin passwd NAME (the password is read from standard input)");
	enum status s = program_configure(p);
	if (s != STATUS_OK)
		return s;
	if (!p->settings.admin.passwords[0])
		return cause(STATUS_INVALID, "inkan.conf: admin_passwords names no file");
	if (!password_ask(password, sizeof password))
		return cause(STATUS_INVALID, "no password was given");
	return password_set(p->arena, p->settings.admin.passwords, argv[2], password);
}

struct program_command {
	const char *name, *usage;
	enum status (*run)(struct program *p, int argc, char **argv);
};

static const struct program_command commands[] = {
	{"serve", "serve            answer requests and run jobs until SIGTERM", command_serve},
	{"check", "check            read and print the whole configuration; check --sample [DIR/PLUGIN.so] prints a commented one, check --routes all pages", command_check},
	{"migrate", "migrate          bring the database to this version's schema", command_migrate},
	{"audit", "audit verify     prove that the audit trail is unbroken", command_audit},
	{"admin", "admin passwd NAME  set a password of the administrators' pages, read from standard input", command_admin},
	{"jobs", "jobs             list what was given up (mails, orders); jobs restart ID tries one again", command_jobs},
	{"keys", "keys rotate      seal all stored secrets anew under the first of seal_keys", command_keys},
};

/* Commands of plugins need the configuration to be known at all. */
static enum status command_of_plugin(struct program *p, int argc, char **argv)
{
	enum status s = program_configure(p);
	if (s != STATUS_OK)
		return s;
	for (size_t i = 0; i < plugin_count(); i++)
		for (const struct command *c = plugin_at(i)->commands; c && c->name; c++)
			if (text_same(c->name, argv[0])) {
				program_connect(p, false);
				return c->run(p->arena, p->db, argc, argv);
			}
	return cause(STATUS_INVALID, "no command \"%s\"; `inkan help` lists them", argv[0]);
}

static void usage(void)
{
	puts("usage: inkan [-c CONFIGURATION_DIRECTORY] COMMAND");
	for (size_t i = 0; i < COUNT_OF(commands); i++)
		printf("  %s\n", commands[i].usage);
	puts("Enabled plugins add commands of their own (see their manual pages), such as `ca init`.");
}

int main(int argc, char **argv)
{
	struct program p = {.config_dir = CONFIG_DIR};
	int option;
	while ((option = getopt(argc, argv, "+c:h")) != -1) {
		if (option == 'c')
			p.config_dir = optarg;
		else {
			usage();
			return option == 'h' ? 0 : 2;
		}
	}
	argc -= optind;
	argv += optind;
	if (argc < 1 || text_same(argv[0], "help")) {
		usage();
		return argc < 1 ? 2 : 0;
	}
	p.arena = arena_new();
	audit_context("system", argv[0]);
	enum status (*run)(struct program *, int, char **) = command_of_plugin;
	for (size_t i = 0; i < COUNT_OF(commands); i++)
		if (text_same(commands[i].name, argv[0]))
			run = commands[i].run;
	enum status s = run(&p, argc, argv);
	if (s != STATUS_OK)
		fprintf(stderr, "inkan %s: %s\n", argv[0], cause_text()[0] ? cause_text() : status_name(s));
	fflush(stdout);
	db_free(p.db);
	arena_free(p.arena);
	return s == STATUS_OK ? 0 : 1;
}
