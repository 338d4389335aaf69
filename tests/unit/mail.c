/* Outgoing mail: what reaches the mail server, and what each of its answers means for the next attempt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <gmime/gmime.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/text.h"
#include "issue/mail.h"

/* A mail server that plays one conversation. */
static struct fake {
	int listener, port;
	pthread_t thread;
	const char *ehlo, *rcpt, *end; /* its answers */
	bool silent;                   /* says nothing at all */
	char commands[4096], data[65536];
	size_t commands_len, data_len;
	unsigned guests;
} fake;

static void fake_say(int fd, const char *s)
{
	char line[256];
	int len = snprintf(line, sizeof line, "%s\r\n", s);
	(void)!write(fd, line, (size_t)len);
}

static void fake_talk(int fd)
{
	FILE *in = fdopen(fd, "r");
	char line[4096];
	bool data = false;
	if (!fake.silent)
		fake_say(fd, "220 fake");
	while (fgets(line, sizeof line, in)) {
		size_t len = strlen(line);
		if (data && strcmp(line, ".\r\n") != 0) {
			size_t skip = line[0] == '.';
			assert_true(fake.data_len + len < sizeof fake.data);
			memcpy(fake.data + fake.data_len, line + skip, len - skip);
			fake.data_len += len - skip;
			continue;
		}
		if (data) {
			data = false;
			fake_say(fd, fake.end);
			continue;
		}
		assert_true(fake.commands_len + len < sizeof fake.commands);
		memcpy(fake.commands + fake.commands_len, line, len);
		fake.commands_len += len;
		data = text_starts(line, "DATA");
		fake_say(fd, text_starts(line, "EHLO") ? fake.ehlo
				: text_starts(line, "RCPT") ? fake.rcpt
				: data ? "354 go on"
				: text_starts(line, "QUIT") ? "221 bye"
				: "250 fine");
	}
	fclose(in);
}

static void *fake_run(void *unused)
{
	for (int fd; (fd = accept(fake.listener, NULL, NULL)) >= 0;) {
		fake.guests++;
		fake_talk(fd);
	}
	return NULL;
}

static struct arena *arena;
static struct mail_settings settings;

static int set_up(void **state)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof address;
	fake = (struct fake){.ehlo = "250 fake", .rcpt = "250 fine", .end = "250 taken"};
	fake.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fake.listener, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(fake.listener, 4), 0);
	assert_int_equal(getsockname(fake.listener, (struct sockaddr *)&address, &len), 0);
	fake.port = ntohs(address.sin_port);
	assert_int_equal(pthread_create(&fake.thread, NULL, fake_run, NULL), 0);
	arena = arena_new();
	settings = (struct mail_settings){
		.url = arena_printf(arena, "smtp://127.0.0.1:%d", fake.port),
		.starttls = "never",
		.ca_file = "",
		.user = "",
		.from = "cert@example.ac.jp",
		.from_name_ja = "証明書係",
		.from_name_en = "Certificates, \"office\"",
		.reply_to = "",
		.contact = "",
		.timeout = 5 * SECOND,
	};
	i18n_use(LANG_JA);
	return 0;
}

static int tear_down(void **state)
{
	shutdown(fake.listener, SHUT_RDWR);
	pthread_join(fake.thread, NULL);
	close(fake.listener);
	arena_free(arena);
	return 0;
}

static const struct mail good = {
	.to = "taro.yamada+x@example.ac.jp",
	.subject = "[UPKI] クライアント証明書発行受付通知 / Client certificate application accepted",
	.body = "山田 太郎 様\n\n.\n.dot\nhttps://localhost:8443/upstream_local/take/abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG\n",
	.message_id = "0123abc",
	.date = 1706672040000, /* 2024-01-31T03:34:00Z */
};

static enum status start(void)
{
	return mail_start(&settings, "https://localhost:8443", NULL);
}

static enum status send_now(const struct mail *mail)
{
	enum status s = start();
	return s == STATUS_OK ? mail_send(arena, mail, clock_monotonic() + 10 * SECOND) : s;
}

static GMimeMessage *received(void)
{
	GMimeStream *stream = g_mime_stream_mem_new_with_buffer(fake.data, fake.data_len);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
	g_object_unref(parser);
	g_object_unref(stream);
	assert_non_null(message);
	return message;
}

static void test_arrives(void **state)
{
	assert_int_equal(send_now(&good), STATUS_OK);
	assert_non_null(strstr(fake.commands, "EHLO localhost\r\n"));
	assert_non_null(strstr(fake.commands, "MAIL FROM:<cert@example.ac.jp>"));
	assert_non_null(strstr(fake.commands, "RCPT TO:<taro.yamada+x@example.ac.jp>\r\n"));
	fake.data[fake.data_len] = '\0';
	for (size_t i = 0; i < fake.data_len; i++)
		assert_true((unsigned char)fake.data[i] < 0x80 && (fake.data[i] != '\n' || fake.data[i - 1] == '\r'));
	assert_non_null(strstr(fake.data, "\r\nMIME-Version: 1.0\r\n"));
	assert_non_null(strstr(fake.data, "Message-Id: <0123abc@localhost>\r\n"));
	assert_non_null(strstr(fake.data, "Auto-Submitted: auto-generated\r\n"));
	assert_non_null(strstr(fake.data, "Date: Wed, 31 Jan 2024 12:34:00 +0900\r\n"));
	for (char *line = fake.data, *end; (end = strstr(line, "\r\n")); line = end + 2)
		assert_true(end - line <= 78 || !strchr(line, ':') || line > strstr(fake.data, "\r\n\r\n")); /* RFC 5322 2.1.1 */

	GMimeMessage *m = received();
	assert_string_equal(g_mime_message_get_subject(m), good.subject);
	InternetAddress *from = internet_address_list_get_address(g_mime_message_get_addresses(m, GMIME_ADDRESS_TYPE_FROM), 0);
	assert_string_equal(internet_address_get_name(from), "証明書係");
	assert_string_equal(internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(from)), "cert@example.ac.jp");
	assert_int_equal(internet_address_list_length(g_mime_message_get_addresses(m, GMIME_ADDRESS_TYPE_REPLY_TO)), 0);
	char *body = g_mime_text_part_get_text(GMIME_TEXT_PART(g_mime_message_get_mime_part(m)));
	char **lines = text_split(arena, body, "\r\n");
	assert_string_equal(lines[1], ".");
	assert_string_equal(lines[2], ".dot");
	assert_true(text_ends(lines[3], "0123456789ABCDEFG"));
	g_free(body);
	g_object_unref(m);
}

static void test_english_sender(void **state)
{
	settings.reply_to = "help@example.ac.jp";
	i18n_use(LANG_EN);
	assert_int_equal(send_now(&good), STATUS_OK);
	GMimeMessage *m = received();
	InternetAddress *from = internet_address_list_get_address(g_mime_message_get_addresses(m, GMIME_ADDRESS_TYPE_FROM), 0);
	assert_string_equal(internet_address_get_name(from), settings.from_name_en);
	assert_int_equal(internet_address_list_length(g_mime_message_get_addresses(m, GMIME_ADDRESS_TYPE_REPLY_TO)), 1);
	g_object_unref(m);
}

static void test_bad_addresses(void **state)
{
	static const char *const bad[] = {"", "taro", "@example.ac.jp", "taro@", "taro@a..b", "taro@-a", "ta ro@example.ac.jp",
		"taro@example.ac.jp\r\nBcc: x@example.com", "taro@example.ac.jp>", "taro@x@example.ac.jp", "\"taro\"@example.ac.jp",
		"taro@example.ac.jp,jiro@example.ac.jp", ".taro@example.ac.jp", "ta..ro@example.ac.jp", "太郎@example.ac.jp",
		"taro\n@example.ac.jp"};
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct mail mail = good;
		mail.to = bad[i];
		if (send_now(&mail) != STATUS_INVALID)
			fail_msg("\"%s\" was taken for an address", bad[i]);
	}
	struct mail two_lines = good;
	two_lines.subject = "one\r\nBcc: x@example.com";
	assert_int_equal(send_now(&two_lines), STATUS_INVALID);
	assert_int_equal(fake.guests, 0);
	assert_int_equal(send_now(&good), STATUS_OK);
}

static void test_answers(void **state)
{
	static const struct {
		const char *rcpt, *end;
		enum status expected;
	} cases[] = {
		{"250 fine", "250 taken", STATUS_OK},
		{"550 no such user", "250 taken", STATUS_INVALID},
		{"450 mailbox busy", "250 taken", STATUS_BUSY},
		{"250 fine", "554 refused", STATUS_INVALID},
		{"250 fine", "451 later", STATUS_BUSY},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		fake.rcpt = cases[i].rcpt;
		fake.end = cases[i].end;
		enum status s = send_now(&good);
		if (s != cases[i].expected)
			fail_msg("%s, %s: %s (%s)", cases[i].rcpt, cases[i].end, status_name(s), cause_text());
	}
}

static void test_silence(void **state)
{
	fake.silent = true;
	settings.timeout = 300;
	when began = clock_monotonic();
	assert_int_equal(send_now(&good), STATUS_BUSY);
	assert_true(clock_monotonic() - began < 5 * SECOND);
	assert_int_equal(mail_send(arena, &good, clock_monotonic() - 1), STATUS_BUSY);
}

static void test_nobody_there(void **state)
{
	settings.url = "smtp://127.0.0.1:1";
	assert_int_equal(send_now(&good), STATUS_BUSY);
}

/* Where TLS is demanded nothing is said in the clear. */
static void test_tls_demanded(void **state)
{
	settings.starttls = "required";
	assert_int_equal(send_now(&good), STATUS_BUSY);
	assert_int_equal(fake.guests, 1);
	assert_null(strstr(fake.commands, "MAIL"));
}

static void test_settings(void **state)
{
	settings.url = "http://127.0.0.1:25";
	assert_int_equal(start(), STATUS_INVALID);
	settings.url = "smtp://127.0.0.1:25/path";
	assert_int_equal(start(), STATUS_INVALID);
	settings.url = "smtp://mail.example.ac.jp:587";
	settings.user = "inkan";
	settings.starttls = "try";
	assert_int_equal(start(), STATUS_INVALID);
	settings.starttls = "required";
	assert_int_equal(start(), STATUS_OK);
	settings.from = "nobody";
	assert_int_equal(start(), STATUS_INVALID);
}

int main(void)
{
	if (clock_start("Asia/Tokyo") != STATUS_OK)
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_arrives, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_english_sender, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bad_addresses, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_answers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_silence, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_nobody_there, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_tls_demanded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_settings, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
