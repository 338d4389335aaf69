// What administrators read and decide about many at once: the audit trail and its verification, statistics and exports, leavers.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { base, database, inspect, judge, launch, login, visitor } from "./browser.mjs";

let browser;
before(async () => { browser = await launch(); });
after(async () => { await browser.close(); });

const labels = {
	ja: {
		audit: "監査証跡", verify: "今すぐ検証", whole: "監査証跡に改変はありません。", broken: "監査証跡が改変されています。", search: "検索", action: "操作", pin: "本人へのPINの表示",
		exported: "この記録をエクスポート（CSV）", bom: "番号", statistics: "統計", period: "期間", show: "表示", figures: "この集計表", all: "すべての証明書",
		leavers: "離籍者の失効", intended: "失効の予定", list: "ePPN（1行に1件）", concerned: "対象者を表示", empty: "日付またはePPNを指定してください。", next: "次へ", out: "除外", plan: "失効を予約する",
		planned: "失効を予約しました。", cancel: "失効を取り消す", cancelled: "取り消しました。", back: "対象に戻す", returned: "対象に戻しました。", discard: "この一覧を破棄", discarded: "一覧を破棄しました。", grace: "猶予期間（日数）", once: "直ちに失効する", done: "完了", result: "結果をエクスポート（CSV）",
		revoked: "うち失効済", mail: "クライアント証明書の失効予定のお知らせ",
	},
	en: {
		audit: "Audit trail", verify: "Verify now", whole: "The audit trail is unbroken.", broken: "The audit trail is broken.", search: "Search", action: "Action", pin: "PIN shown to its owner",
		exported: "Export these records (CSV)", bom: "Number", statistics: "Statistics", period: "Period", show: "Show", figures: "These figures", all: "All certificates",
		leavers: "Revocation for leavers", intended: "Planned revocation", list: "ePPNs, one on each line", concerned: "Show those concerned", empty: "Please give a date or a part of the ePPN", next: "Next", out: "Leave out",
		plan: "Schedule the revocation", planned: "It is scheduled.", cancel: "Cancel the revocation", cancelled: "It was cancelled.", back: "Put back", returned: "The person is back", discard: "Discard this list", discarded: "The list was discarded.", grace: "Grace period in days", once: "Revoke at once", done: "Done",
		result: "Export the result (CSV)", revoked: "Of these revoked", mail: "Your client certificates will be revoked",
	},
};

const button = (v, name) => v.page.getByRole("button", { name, exact: true });
const link = (v, name) => v.page.getByRole("link", { name, exact: true });

async function administrator(lang, size) {
	const v = await visitor(browser, lang, size, { httpCredentials: { username: "kanri", password: process.env.STACK_BASIC, origin: base } });
	await login(v, "admin");
	return v;
}

async function tab(v, path, title) {
	await v.page.goto(base + path);
	await v.page.getByRole("heading", { level: 1, name: title }).waitFor();
	assert.equal(await v.page.locator(".admin-tabs a[aria-current]").getAttribute("href"), path);
}

// The file behind a link: a whole one that says what it holds.
async function download(v, name, file, expected) {
	const [got] = await Promise.all([v.page.waitForEvent("download"), link(v, name).click()]);
	assert.match(got.suggestedFilename(), file);
	const text = readFileSync(await got.path(), "utf8");
	assert.match(text, /^\ufeff"/);
	assert.ok(text.endsWith("\r\n"));
	assert.match(text, expected);
	return text;
}

async function reload(v, what, check) {
	for (let i = 0; i < 100; i++) {
		if (await check())
			return;
		await v.page.waitForTimeout(300);
		await v.page.reload();
	}
	assert.fail(what);
}

async function audit(v, l) {
	await tab(v, "/admin_audit", l.audit);
	await inspect(v, "audit");
	await button(v, l.verify).click();
	await inspect(v, "audit-asked");
	await v.page.goto(base + "/admin_audit");
	await reload(v, "verified", () => v.page.getByText(l.whole).count());
	await inspect(v, "audit-whole");
	await v.page.getByLabel(l.action, { exact: true }).selectOption({ label: l.pin });
	await button(v, l.search).click();
	await v.page.locator("td", { hasText: l.pin }).first().waitFor();
	await inspect(v, "audit-filtered");
	await download(v, l.exported, /^audit-\d{8}\.csv$/, /"pin\.viewed"/);
}

async function statistics(v, l) {
	await database("UPDATE job SET due_at = 0 WHERE kind = 'admin_statistics.count'"); // every few minutes otherwise
	await tab(v, "/admin_statistics", l.statistics);
	await reload(v, "the counts", async () => /^\D*[1-9]/.test(await v.page.locator("dl.rows dd").first().innerText()));
	await inspect(v, "statistics");
	await v.page.getByLabel(l.period).selectOption({ index: 1 });
	await button(v, l.show).click();
	assert.match(v.page.url(), /year=20\d\d/);
	await inspect(v, "statistics-year");
	await download(v, l.figures, /^statistics-\d{8}\.csv$/, /"20\d\d-04"/);
	const text = await download(v, l.all, /^certificates-\d{8}\.csv$/, /taro@example\.ac\.jp/);
	const pin = (await database("SELECT COUNT(*) FROM application WHERE pin IS NOT NULL")).trim();
	assert.ok(Number(pin) > 0, "there are PINs that could have been exported");
	assert.ok(!/\/take\//.test(text));
}

async function preview(v, l, eppns) {
	await tab(v, "/admin_leavers", l.leavers);
	await v.page.getByLabel(l.list).fill(eppns.join("\n"));
	await button(v, l.concerned).first().click();
	await v.page.locator("dl.rows").waitFor();
	assert.match(v.page.url(), /\/admin_leavers\/\d+$/);
}

async function userPath(name) {
	return "/admin_users/user/" + (await database(`SELECT id FROM user WHERE eppn = '${name}@example.ac.jp'`)).trim();
}

async function leavers(v, l) {
	const { page } = v;
	await database("INSERT IGNORE INTO application (state, type, upstream, profile, months, subject, live_until, name, mail, extra, created_at, changed_at, taken_at, serial, not_before, not_after, import_key)"
		+ " VALUES ('TAKEN', 'client', 'upstream_local', '5', 52, 'CN=nobody', 4000000000000, '', 'nobody@example.ac.jp', '', 1, 1, 1, 'e1', 1, 4000000000000, UNHEX(SHA2('e1', 256)))");
	await tab(v, "/admin_leavers", l.leavers);
	await inspect(v, "leavers");
	await button(v, l.concerned).last().click();
	await page.getByRole("alert").filter({ hasText: l.empty }).waitFor();
	await inspect(v, "leavers-wrong");
	await preview(v, l, ["taro@example.ac.jp", "Hanako@example.ac.jp", "taro@example.ac.jp", "nobody@example.ac.jp", "admin@example.ac.jp"]);
	await page.getByRole("listitem").filter({ hasText: "CN=nobody" }).waitFor();
	await page.locator("#unclaimed").check();
	await inspect(v, "leavers-preview");
	const row = page.getByRole("row").filter({ hasText: "hanako@example.ac.jp" });
	await row.getByRole("button").click();
	await page.getByRole("status").filter({ hasText: "hanako@example.ac.jp" }).waitFor();
	await inspect(v, "leavers-left-out");
	await page.getByRole("status").getByRole("button", { name: l.back }).click();
	await page.getByText(l.returned).waitFor();
	await inspect(v, "leavers-back");
	await row.getByRole("button", { name: l.out }).click();
	await page.getByRole("status").filter({ hasText: "hanako@example.ac.jp" }).waitFor();
	await page.locator("#unclaimed").check();
	await button(v, l.next).click();
	await button(v, l.plan).waitFor();
	await inspect(v, "leavers-confirm");
	await button(v, l.plan).click();
	await page.getByText(l.planned).waitFor();
	await inspect(v, "leavers-planned");
	const run = page.url().split("?")[0];
	for (const [path, name] of [["/", "leavers-dashboard"], [await userPath("taro"), "leavers-user"]]) {
		await page.goto(base + path);
		await page.getByRole("heading", { name: l.intended, exact: true }).waitFor();
		await inspect(v, name);
	}
	const mails = async () => Number(await database("SELECT COUNT(*) FROM demo_mail WHERE subject LIKE '%失効予定%'"));
	await reload(v, "the mail", mails);
	await page.goto(base + "/demo_mailbox/");
	await page.getByRole("row").filter({ hasText: l.mail }).first().getByRole("link").click();
	const mail = await page.locator("main").innerText();
	assert.match(mail, /失効予定日時：20\d\d\//);
	assert.match(mail, /Date of the revocation: \d/);
	assert.match(mail, /admin@example\.ac\.jp/); // whom to ask
	assert.doesNotMatch(mail, /nobody@|hanako@/);
	await inspect(v, "leavers-mail");
	await page.goto(run);
	await link(v, l.cancel).click();
	await inspect(v, "leavers-cancel");
	await button(v, l.cancel).click();
	await page.getByText(l.cancelled).waitFor();
	await inspect(v, "leavers-cancelled");
	await preview(v, l, ["taro@example.ac.jp"]);
	await link(v, l.discard).click();
	await inspect(v, "leavers-discard");
	await button(v, l.discard).click();
	await page.getByText(l.discarded).waitFor();
	await inspect(v, "leavers-discarded");
}

// At once, and to the end: what is revoked cannot be undone, so only one visitor does it.
async function carriedOut(v, l) {
	const { page } = v;
	await preview(v, l, ["hanako@example.ac.jp"]);
	await page.getByLabel(l.grace).fill("0");
	await button(v, l.next).click();
	await button(v, l.once).waitFor();
	await inspect(v, "leavers-at-once");
	await button(v, l.once).click();
	await page.goto(page.url().split("?")[0]);
	const facts = page.locator(".rows > div").filter({ hasText: l.revoked });
	await reload(v, "revoked", async () => /2$/.test((await facts.count()) ? (await facts.innerText()).trim() : ""));
	await inspect(v, "leavers-running");
	await download(v, l.result, /^leavers-\d{8}\.csv$/, /hanako@example\.ac\.jp/);
	assert.equal((await database("SELECT COUNT(*) FROM application p JOIN user u ON u.id = p.user_id WHERE u.eppn LIKE 'hanako@%' AND p.state = 'REVOKED' AND p.reason = 5")).trim(), "2");
	assert.equal((await database("SELECT COUNT(*) FROM application p JOIN user u ON u.id = p.user_id WHERE u.eppn LIKE 'taro@%' AND p.state = 'TAKEN'")).trim(), "2");
}

async function broken(v, l) {
	const id = (await database("SELECT MIN(audit_id) + 5 FROM audit_chain")).trim();
	await database(`UPDATE audit SET actor = 'somebody@example.ac.jp' WHERE id = ${id}`);
	await tab(v, "/admin_audit", l.audit);
	await button(v, l.verify).click();
	await v.page.goto(base + "/admin_audit");
	await reload(v, "broken", () => v.page.getByText(l.broken).count());
	await inspect(v, "audit-broken");
	await v.page.locator(".notice-bad a").click();
	await v.page.locator("tr.row-bad").waitFor();
	await inspect(v, "audit-broken-row");
}

async function walk(lang, size, last = false) {
	const v = await administrator(lang, size), l = labels[lang];
	try {
		await audit(v, l);
		await statistics(v, l);
		await leavers(v, l);
		if (last) {
			await carriedOut(v, l);
			await broken(v, l);
		}
		judge(v);
	} catch (error) {
		await v.page.screenshot({ path: `${process.env.INKAN_SOURCE}/build/screenshots/failed-stat-${lang}-${size}.png`, fullPage: true }).catch(() => {});
		error.message += `\nat ${v.page.url()}`;
		throw error;
	} finally {
		await v.context.close();
	}
}

test("Japanese, desktop", () => walk("ja", "desktop"));
test("English, phone", () => walk("en", "phone"));
test("Japanese, phone", () => walk("ja", "phone"));
test("English, desktop", () => walk("en", "desktop", true));
