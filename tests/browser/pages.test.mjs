// Every page that no walk comes to: the guide, error pages of inkan and of nginx, and the dashboard of a user with 500 applications, in
// both languages; and that the checks of these tests find what they are for.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { base, database, fits, inspect, judge, launch, login, strangers, visitor } from "./browser.mjs";

const nginx = process.env.INKAN_SOURCE + "/nginx/error/";
// In both languages at once, Japanese first; a title cannot be marked in parts.
const both = { lang: "ja", title: false };
const guides = ["windows", "macos", "ios", "android", "linux", "firefox", "thunderbird", "outlook", "accessibility"];

let browser;
before(async () => { browser = await launch(); });
after(async () => { await browser.close(); });

async function each(size, run) {
	for (const lang of ["ja", "en"]) {
		const v = await visitor(browser, lang, size);
		try {
			await run(v);
			judge(v);
		} catch (error) {
			error.message += `\n${lang}, at ${v.page.url()}`;
			throw error;
		} finally {
			await v.context.close();
		}
	}
}

async function show(v, path, name, code = 200) {
	const answer = await v.page.goto(base + path);
	assert.equal(answer.status(), code, path);
	await inspect(v, name);
}

for (const size of ["desktop", "phone"])
	test(`the install guide, ${size}`, () => each(size, async (v) => {
		await show(v, "/help", "help");
		assert.equal(await v.page.locator(".own-guide a").getAttribute("href"), "/help/linux");
		// The order that works for every type, also where there is one place only.
		assert.match(await v.page.locator("#anew").innerText(), v.lang === "ja" ? /先に.*失効申請を行い、「失効済」と表示されてから.*新規に申請/ : /First revoke .* "Revocation completed", apply anew/);
		for (const guide of guides) {
			await v.page.locator(`main a[href='/help/${guide}']`).first().click();
			await v.page.waitForURL(`${base}/help/${guide}`);
			await inspect(v, `help-${guide}`);
			await v.page.getByRole("navigation", { name: v.lang === "ja" ? "現在位置" : "You are here" }).getByRole("link").click();
		}
	}));

test("what visitors see besides", () => each("desktop", async (v) => {
	await show(v, "/?left=1", "left");
	await show(v, "/nowhere", "not-found", 404);
	await show(v, "/help/nothing", "help-not-found", 404);
	await show(v, "/upstream_local/take/" + "A".repeat(43), "no-such-address", 404);
	await v.page.goto(base + "/help");
	await v.page.evaluate(() => {
		const form = document.createElement("form");
		form.method = "post";
		form.action = "/client/apply";
		document.body.append(form);
		form.submit();
	});
	await v.page.waitForURL(base + "/client/apply");
	await inspect(v, "form-without-log-in");
}));

test("the pages of nginx", () => each("phone", async (v) => {
	for (const file of readdirSync(nginx).filter((name) => name.endsWith(".html"))) {
		await v.page.route(`**/probe/${file}`, (route) => route.fulfill({ contentType: "text/html; charset=utf-8", body: readFileSync(nginx + file) }));
		await v.page.goto(`${base}/probe/${file}`);
		await v.page.emulateMedia({ colorScheme: "light" });
		await inspect(v, `nginx-${file.slice(0, 3)}`, both);
		await v.page.emulateMedia({ colorScheme: "dark" });
		await inspect(v, `nginx-${file.slice(0, 3)}-dark`, both);
		for (const text of await fits(v.page))
			v.faults.push(`${file}: ${text}`);
	}
	// The real thing, with its headers.
	const answer = await v.page.goto(base + "/static/core/nothing.css");
	assert.equal(answer.status(), 404);
	await inspect(v, "nginx-real-404", both);
}));

// Rows as the store would have them after years; every state among them.
async function fill(account) {
	const user = `SELECT id FROM user WHERE eppn = '${account}@example.ac.jp'`, day = 86400000;
	const states = { 1: "SENT", 2: "PIN", 3: "TAKEN", 4: "ERROR", 5: "REVOKE_SENT", 6: "REVOKE_ERROR", 7: "REVOKED", 8: "ACCEPTED", 9: "REVOKE_ACCEPTED", 0: "TAKEN" };
	const now = Date.now();
	const rows = Array.from({ length: 500 }, (_, i) => {
		const number = i + 1, state = states[number % 10], at = now - (501 - number) * day;
		const has = !["ACCEPTED", "SENT", "PIN", "ERROR"].includes(state);
		const end = number % 10 === 0 ? at + 10 * day : now + 40 * day;
		const memo = number === 123 ? "研究室のノートPC 100%" : number % 50 === 3 ? `<b>memo</b> ${number}` : "";
		return `((${user}), ${number}, '${state}', 'client', 'upstream_local', '5', 52, 'CN=${account}.${number},O=Example University,C=JP', ${has ? end : 0}, `
			+ `'Taro', '${account}@example.ac.jp', '', '${memo}', ${at}, ${at}, ${state === "PIN" ? now + 20 * day : 0}, ${has ? at : 0}, `
			+ `${has ? `'${number.toString(16)}abcdef0123456789'` : "NULL"}, ${has ? at : 0}, ${has ? end : 0}, ${state === "REVOKED" ? now - day : 0})`;
	});
	await database(`DELETE FROM application; UPDATE user SET applications = 500 WHERE eppn = '${account}@example.ac.jp'`);
	for (let i = 0; i < rows.length; i += 100) // a command line has its limits
		await database(`INSERT INTO application (user_id, number, state, type, upstream, profile, months, subject, live_until, name, mail, extra,
			memo, created_at, changed_at, download_until, taken_at, serial, not_before, not_after, revoked_at) VALUES ${rows.slice(i, i + 100).join(",")}`);
}

// A click comes back when the next page has begun to arrive; a long one is only complete when the browser says so.
const numbers = async (page) => {
	await page.waitForLoadState();
	return page.locator("a.number").allTextContents();
};

test("too many applications in a day", () => each("phone", async (v) => {
	const { page, words: w } = v;
	await login(v, "hanako");
	await database(`DELETE FROM application; UPDATE user SET applications = 20 WHERE eppn = 'hanako@example.ac.jp';
		INSERT INTO application (user_id, number, state, type, upstream, profile, months, subject, live_until, name, mail, extra, created_at, changed_at)
		SELECT id, seq, 'ERROR', 'client', 'upstream_local', '5', 52, CONCAT('CN=hanako.', seq, ',O=Example University,C=JP'), 0, name, mail, '',
			${Date.now()} - seq * 1000, ${Date.now()} FROM user JOIN seq_1_to_20 WHERE eppn = 'hanako@example.ac.jp'`);
	await page.goto(base + "/");
	await page.getByRole("button", { name: w.apply, exact: true }).click();
	await page.getByRole("dialog").getByRole("button", { name: w.ok, exact: true }).click();
	await page.getByText(v.lang === "ja" ? "24時間以内に申請できる件数（20件）に達しました。" : "You have made 20 applications within 24 hours").waitFor();
	await inspect(v, "day-full");
	await database("UPDATE application SET created_at = created_at - 86400000");
	await page.goto(base + "/");
	await page.getByRole("button", { name: w.apply, exact: true }).click();
	await page.getByRole("dialog").getByRole("button", { name: w.ok, exact: true }).click();
	await page.getByRole("heading", { level: 1, name: w.applied }).waitFor();
}));

test("a user with 500 applications", () => each("desktop", async (v) => {
	const { page } = v, english = v.lang === "en";
	await login(v, "jiro");
	await fill("jiro");
	const start = performance.now();
	await page.goto(base + "/", { waitUntil: "commit" });
	const ms = performance.now() - start;
	await inspect(v, "long-list");
	assert.ok(ms < 1000, `${ms} ms`); // a page takes some 20 ms; this only tells a query per row from none
	assert.deepEqual(await numbers(page), Array.from({ length: 50 }, (_, i) => String(500 - i)));

	await page.locator("#search-words").fill("ﾉｰﾄ pc");
	await page.locator("form.search button").click();
	assert.deepEqual(await numbers(page), ["123"]);
	await inspect(v, "search");
	// The other language keeps page and search.
	await page.locator(".site-lang a").click();
	const kept = new URL(page.url()).searchParams;
	assert.deepEqual([kept.get("q"), kept.get("state")], ["ﾉｰﾄ pc", ""]);
	assert.deepEqual(await numbers(page), ["123"]);
	assert.equal(await page.evaluate(() => document.documentElement.lang), english ? "ja" : "en");
	await page.locator(".site-lang a").click();

	await page.locator("#search-words").fill("%' OR 1=1 -- \"<script>");
	await page.locator("form.search button").click();
	assert.deepEqual(await numbers(page), []);
	assert.equal(await page.locator("#search-words").inputValue(), "%' OR 1=1 -- \"<script>");
	await inspect(v, "search-nothing");
	await page.locator("form.search a").click();
	assert.equal((await numbers(page)).length, 50);

	// Pages of a filter, with what is asked for kept in every address.
	await page.locator("#search-state").selectOption("revoked");
	await page.locator("form.search button").click();
	assert.deepEqual(await numbers(page), Array.from({ length: 50 }, (_, i) => String(497 - 10 * i)));
	assert.equal(await page.locator("nav.pages a").count(), 0, "50 are one page");
	await page.locator("#search-words").fill("jiro");
	await page.locator("#search-state").selectOption("valid");
	await page.locator("form.search button").click();
	const first = await numbers(page);
	await page.locator("nav.pages a").click();
	assert.match(page.url(), /q=jiro.*state=valid.*below=/);
	const second = await numbers(page);
	assert.equal(new Set([...first, ...second]).size, 100);
	await inspect(v, "search-older");

	await page.goto(`${base}/?q=${"a".repeat(201)}`);
	assert.ok(await page.getByText(english ? "at most 200 characters" : "200文字以内").count());
	await inspect(v, "search-refused");
	await page.goto(`${base}/?q=${"a+".repeat(11)}`);
	assert.ok(await page.getByText(english ? "at most 10 words" : "10個まで").count());
	await show(v, "/?state=nothing", "query-refused", 400);
	for (const number of [491, 492, 493, 494, 495, 496, 497, 498, 499, 500])
		await show(v, `/client/${number}`, `details-${number % 10}`);
	await show(v, "/calendar", "calendar");
	await show(v, "/client/apply", "confirm");
	await page.getByRole("button", { name: v.words.ok, exact: true }).click();
	await page.locator("main a[href='/?valid=1#applications']").waitFor();
	await inspect(v, "limit-refused");
	await database(`UPDATE application SET handover = 1 WHERE number IN (475, 485);
		INSERT INTO job (kind, state, subject, payload, due_at, created_at) SELECT 'core.handover_revoked', 'failed', id, '', 0, 0 FROM application WHERE number = 475`);
	await show(v, "/client/485", "details-card");
	await show(v, "/client/475", "details-card-untold");
	await database("DELETE FROM job WHERE kind = 'core.handover_revoked'");
}));

test("the checks see what they are for", async () => {
	const v = await visitor(browser, "ja", "desktop");
	const page = (lang, body) => v.page.setContent(`<!doctype html><html lang="${lang}"><head><title>x</title></head><body><main>${body}</main></body></html>`);
	await page("ja", "<p>インストール手順</p><p lang='en'>Install guide</p><code>Install guide</code>");
	assert.deepEqual(await strangers(v.page, "ja"), []);
	await page("ja", "<p>Install guide</p><a href='#' aria-label='Details of application 7'>7</a>");
	assert.deepEqual(await strangers(v.page, "ja"), ["Install guide", "Details of application 7"]);
	await page("en", "<p>Install guide</p><p lang='ja'>手順</p><p lang=''>山田</p>");
	assert.deepEqual(await strangers(v.page, "en"), []);
	await page("en", "<p>Install 手順</p><img alt='印'>");
	assert.deepEqual(await strangers(v.page, "en"), ["Install 手順", "印"]);

	await page("ja", "<p>短い文です。</p>");
	assert.deepEqual(await fits(v.page), []);
	await page("ja", "<p style='width: 500px'>広い</p>");
	assert.equal((await fits(v.page)).filter((text) => /^at 320 pixels: \d+ pixels wider/.test(text)).length, 1);
	await page("ja", "<p style='height: 1.2em; line-height: 1.2; overflow: hidden'>一行に収まる</p>");
	assert.equal((await fits(v.page)).filter((text) => /^with wide spacing: cut off below/.test(text)).length, 1);

	await page("ja", "<h1>表題</h1><p style='color: #bbb'>薄い</p><button style='width: 12px; height: 12px; padding: 0'></button>");
	await inspect(v, "bad");
	for (const rule of ["color-contrast", "button-name"])
		assert.ok(v.faults.some((text) => text.includes(rule)), `${rule} among ${v.faults.join("; ")}`);
	v.faults = [];
	await page("ja", "<h1>表題</h1>" + "<a href='#' style='display: block; width: 12px; height: 12px; line-height: 12px; overflow: hidden'>一</a>".repeat(2));
	await inspect(v, "small");
	assert.ok(v.faults.some((text) => text.includes("target-size")), v.faults.join("; "));
	await v.context.close();
});
