// Deadlines as a person meets them, the clock moved forward instead of waiting: both languages, both widths.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { base, database, inspect, judge, launch, login, visitor } from "./browser.mjs";

const texts = {
	ja: {
		again: "証明書取得URLのメールを再送", waits: /再送できます|送信処理中/, asked: "再送します", off: "オフにする", on: "オンにする",
		near: "期限が近い証明書", calendar: "カレンダー", make: "カレンダーURLを発行", renew: "新しいURLを発行", end: "URLを停止",
		reminder: "[UPKI] 証明書の取得期限のお知らせ", expiry: "有効期限は", details: "詳細",
	},
	en: {
		again: "Send the mail with the certificate URL again", waits: /sent again from|on its way/, asked: "is sent again to", off: "Turn off",
		on: "Turn on", near: "Deadlines that are near", calendar: "Calendar", make: "Make a calendar address", renew: "Make a new address",
		end: "End the address", reminder: "[UPKI] The time to download your certificate ends soon", expiry: "expires on", details: "Details",
	},
};
const day = 24 * 3600 * 1000;
let browser, shift = 0;

before(async () => { browser = await launch(); });
after(async () => { await browser.close(); });

function forward(ms) {
	shift += ms;
	writeFileSync(process.env.STACK_CLOCK, `${shift}\n`);
}

async function until(what, check) {
	for (let i = 0; i < 100; i++) {
		if (await check())
			return;
		await new Promise((wake) => setTimeout(wake, 200));
	}
	assert.fail(what);
}

async function apply(v) {
	const { page, words: w } = v;
	await page.getByRole("button", { name: w.apply, exact: true }).click();
	await page.getByRole("dialog").getByRole("button", { name: w.ok, exact: true }).click();
	await page.getByRole("heading", { level: 1, name: w.applied }).waitFor();
	const number = Number(/\/client\/(\d+)\/applied$/.exec(page.url())[1]);
	await page.goto(`${base}/client/${number}`);
	await page.locator("#pin").waitFor();
	return number;
}

const mails = async (account, kind) => Number(await database(
	`SELECT COUNT(*) FROM reminder JOIN application ON application.id = application_id JOIN user ON user.id = user_id
	WHERE user.eppn = '${account}@example.ac.jp' AND reminder.kind = '${kind}'`));

async function mailAgain(v, account, number) {
	const { page } = v, t = texts[v.lang];
	const sent = async () => Number(await database(`SELECT issue_mail_at FROM application JOIN user ON user.id = user_id
		WHERE eppn = '${account}@example.ac.jp' AND number = ${number}`));
	await until("the first mail", sent);
	const first = await sent();
	await page.goto(`${base}/client/${number}`);
	await inspect(v, "deadlines-details");
	await page.getByRole("button", { name: t.again }).click();
	await page.getByRole("status").filter({ hasText: t.waits }).waitFor();
	await inspect(v, "deadlines-mail-soon");
	forward(11 * 60 * 1000);
	await page.getByRole("button", { name: t.again }).click();
	await page.getByRole("status").filter({ hasText: t.asked }).waitFor();
	await inspect(v, "deadlines-mail-asked");
	await until("the second mail", async () => await sent() > first);
}

async function mute(v) {
	const { page } = v, t = texts[v.lang];
	await page.getByRole("button", { name: t.off }).click();
	await page.getByRole("button", { name: t.on }).waitFor();
	await inspect(v, "deadlines-muted");
	await page.getByRole("button", { name: t.on }).click();
	await page.getByRole("button", { name: t.off }).waitFor();
}

async function calendar(v) {
	const { page } = v, t = texts[v.lang];
	await page.locator("summary", { hasText: v.words.menu }).click();
	await page.getByRole("link", { name: t.calendar, exact: true }).click();
	await page.getByRole("heading", { level: 1, name: t.calendar }).waitFor();
	await inspect(v, "calendar-none");
	await page.getByRole("button", { name: t.make }).click();
	const address = (await page.locator("#calendar-address").textContent()).trim();
	await inspect(v, "calendar-address");
	const outside = await browser.newContext({ ignoreHTTPSErrors: true, locale: "en-US" });
	const feed = async (url) => outside.request.get(url);
	const first = await feed(address), text = await first.text();
	assert.equal(first.status(), 200);
	assert.match(first.headers()["content-type"], /^text\/calendar/);
	assert.match(text, /^BEGIN:VCALENDAR\r\n[^]*BEGIN:VEVENT\r\n[^]*END:VCALENDAR\r\n$/);
	await page.goto(base + "/calendar");
	assert.equal(await page.locator("#calendar-address").count(), 0, "shown once");
	await inspect(v, "calendar-made");
	await page.getByRole("button", { name: t.renew }).click();
	const second = (await page.locator("#calendar-address").textContent()).trim();
	assert.equal((await feed(address)).status(), 404);
	assert.equal((await feed(second)).status(), 200);
	await page.getByRole("button", { name: t.end }).click();
	await page.getByRole("button", { name: t.make }).waitFor();
	assert.equal((await feed(second)).status(), 404);
	await outside.close();
}

async function reminded(v, account) {
	const { page } = v, t = texts[v.lang];
	const before = await mails(account, "download");
	forward(22 * day);
	await until("a reminder", async () => await mails(account, "download") > before);
	await login(v, account); // the session ended long ago
	await page.getByRole("heading", { name: t.near }).waitFor();
	await inspect(v, "deadlines-dashboard");
	for (let i = 0; i < 50; i++) {
		await page.goto(base + "/demo_mailbox/");
		const row = page.getByRole("row").filter({ hasText: `${account}@example.ac.jp` }).filter({ hasText: t.reminder }).first();
		if (await row.count()) {
			await row.getByRole("link").click();
			break;
		}
		await page.waitForTimeout(200);
	}
	const text = await page.locator("main").innerText();
	assert.match(text, /\/upstream_local\/take\//);
	assert.match(text, /取得期限：/);
	assert.match(text, /Download it until: /);
	await inspect(v, "deadlines-mail");
}

async function walk(lang, size, account) {
	const v = await visitor(browser, lang, size);
	try {
		await login(v, account);
		const number = await apply(v);
		await mailAgain(v, account, number);
		await mute(v);
		await calendar(v);
		await reminded(v, account);
		judge(v);
	} catch (error) {
		await v.page.screenshot({ path: `${process.env.INKAN_SOURCE}/build/screenshots/failed-deadlines-${lang}-${size}.png`, fullPage: true }).catch(() => {});
		error.message += `\nat ${v.page.url()}`;
		throw error;
	} finally {
		await v.context.close();
	}
}

test("Japanese, desktop", () => walk("ja", "desktop", "taro"));
test("English, phone", () => walk("en", "phone", "hanako"));
test("Japanese, phone", () => walk("ja", "phone", "admin"));
test("English, desktop", () => walk("en", "desktop", "jiro"));
