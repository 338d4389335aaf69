// The manual's sections 6 and 7 as a person walks them: ▼, the box, the ID, the card, its revocation, and the mail about that.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { base, database, hold, inspect, judge, launch, login, visitor } from "./browser.mjs";

let browser;
before(async () => { browser = await launch(); });
after(async () => { await browser.close(); });

const labels = {
	ja: {
		box: "UPKI-PASS用のクライアント証明書を発行", id: "UPKI-PASS発行ID", missing: "UPKI-PASS発行IDが未指定です。", wrong: ["２０２４", "文字「２」が含まれています"],
		type: "クライアント証明書（UPKI-PASS）", pending: "新規UPKI-PASS申請中", done: "新規UPKI-PASS申請済", noPin: "この種類の証明書ではPIN番号は発行されません。",
		taken: "このUPKI-PASS発行IDの証明書は、すでに発行済みか申請中です。", cards: "デモ用カードサーバ", inUse: "使用可", cardRevoked: "失効",
		revoke: "失効申請", renew: "更新申請", reason: "失効の理由", sure: "失効を取り消せないことを理解しました", revoking: "失効申請完了",
		asked: "失効申請中", revoked: "失効済", mail: "[UPKI] クライアント証明書失効完了通知",
	},
	en: {
		box: "Issue a client certificate for UPKI-PASS", id: "UPKI-PASS ID", missing: "The UPKI-PASS ID is not specified.", wrong: ["2024#1", "cannot be used: #."],
		type: "Client certificate (UPKI-PASS)", pending: "New UPKI-PASS request in progress", done: "New UPKI-PASS request completed",
		noPin: "No PIN is issued for this type of certificate.", taken: "A certificate with this UPKI-PASS ID is already valid or has been applied for.",
		cards: "Demo card server", inUse: "In use", cardRevoked: "Revoked", revoke: "Apply for revocation", renew: "Apply for renewal",
		reason: "Reason for the revocation", sure: "I understand that this cannot be undone", revoking: "Revocation application completed",
		asked: "Revocation in progress", revoked: "Revocation completed", mail: "[UPKI] Client certificate revoked",
	},
};

const phase = (v) => v.page.locator("[data-announce]");
const button = (v, name) => v.page.locator("#actions").getByRole("button", { name, exact: true });

// Until the details page says so: by itself, or with 「画面更新」 where there is no script.
async function awaits(v, text) {
	if (!v.script)
		for (let i = 0; i < 60 && (await phase(v).innerText()).trim() !== text; i++) {
			await v.page.waitForTimeout(250);
			await v.page.getByRole("link", { name: v.words.refresh }).click();
		}
	await phase(v).getByText(text, { exact: true }).waitFor({ timeout: 30000 });
	if (v.script)
		assert.ok(await v.page.evaluate(() => window.untouched), "the page was not loaded again");
}

async function stay(v) {
	if (v.script)
		await v.page.evaluate(() => { window.untouched = true; });
}

// From the dashboard to 「OK」.
// bare: as a browser that does not check the form.
async function ask(v, id, name, bare) {
	const { page, words: w } = v, l = labels[v.lang];
	await page.goto(base + "/");
	await page.locator("details.options summary").click();
	await page.getByLabel(l.box).check();
	await page.getByLabel(l.id).fill(id);
	if (name)
		await inspect(v, name);
	if (bare && v.script)
		await page.getByLabel(l.id).evaluate((field) => { field.form.noValidate = true; });
	await page.getByRole("button", { name: w.apply, exact: true }).click();
	const form = v.script ? page.getByRole("dialog") : page.locator("main form");
	if (name)
		await inspect(v, `${name}-${v.script ? "dialog" : "confirm"}`);
	if (name && v.script) {
		const asked = await form.innerText();
		assert.ok(asked.includes(l.box) && asked.includes(id), "the question names the box and the ID");
	}
	await form.getByRole("button", { name: w.ok, exact: true }).click();
}

// Refused before anything is asked: the field has the focus, and says why, also when it was folded away again.
async function early(v) {
	const { page, words: w } = v, l = labels[v.lang];
	const apply = page.getByRole("button", { name: w.apply, exact: true }), field = page.locator("#extra-upki_pass");
	const refuses = async (text) => {
		await apply.click();
		assert.equal(await page.getByRole("dialog").count(), 0, "nothing is asked");
		await page.waitForFunction(() => document.activeElement.id === "extra-upki_pass");
		assert.equal(await field.evaluate((e) => e.validationMessage), text);
	};
	await page.goto(base + "/");
	await page.locator("details.options summary").click();
	await page.getByLabel(l.box).check();
	await refuses(l.missing);
	await field.fill("  ");
	await refuses(l.missing);
	await page.locator("details.options summary").click();
	assert.ok(!await field.isVisible());
	await refuses(l.missing);
	assert.ok(await field.isVisible());
	// Neither with an ID nor without the box is there anything to refuse.
	await page.getByLabel(l.box).uncheck();
	await apply.click();
	await page.getByRole("dialog").getByRole("button", { name: w.cancel, exact: true }).click();
	await page.getByLabel(l.box).check();
	await field.fill("2024");
	await apply.click();
	await page.getByRole("dialog").getByRole("button", { name: w.cancel, exact: true }).click();
}

async function refusals(v) {
	const l = labels[v.lang], { page } = v;
	if (v.script)
		await early(v);
	await ask(v, "", undefined, true);
	await page.getByText(l.missing).waitFor();
	await inspect(v, "pass-id-missing");
	await ask(v, l.wrong[0]);
	await page.getByText(l.wrong[1]).waitFor();
	await inspect(v, "pass-id-wrong");
}

async function issue(v, id) {
	const { page, words: w } = v, l = labels[v.lang];
	const release = await hold(["demo_card"]);
	await ask(v, id, "pass-form");
	await page.getByRole("heading", { level: 1, name: w.applied }).waitFor();
	await page.getByText(l.type).waitFor();
	await inspect(v, "pass-applied");
	await page.getByRole("link", { name: w.info }).click();
	await page.getByRole("heading", { level: 1, name: w.details }).waitFor();
	const number = Number(/\/upki_pass\/(\d+)$/.exec(page.url())[1]);
	await stay(v);
	await awaits(v, l.pending);
	await page.getByText(l.noPin).waitFor();
	assert.ok(await button(v, l.revoke).isDisabled(), "not revocable before it is issued");
	await inspect(v, "pass-pending");
	await release();
	await awaits(v, l.done);
	await page.getByText(l.noPin).waitFor();
	assert.equal(await page.locator("#pin").count(), 0);
	assert.ok(await button(v, l.revoke).isEnabled(), "revocable by itself");
	assert.ok(!await button(v, l.renew).count() || await button(v, l.renew).isDisabled(), "never renewed");
	await inspect(v, "pass-issued");
	return number;
}

async function card(v, id, state, name) {
	const { page } = v, l = labels[v.lang];
	await page.goto(base + "/");
	await page.locator("summary", { hasText: v.words.menu }).click();
	await page.getByRole("link", { name: l.cards }).click();
	await page.getByRole("heading", { level: 1, name: l.cards }).waitFor();
	const row = page.getByRole("row").filter({ hasText: id });
	assert.equal(await row.count(), 1);
	await row.locator(".state").getByText(state, { exact: true }).waitFor();
	await inspect(v, name);
}

async function revoke(v, number) {
	const { page, words: w } = v, l = labels[v.lang];
	await page.goto(`${base}/upki_pass/${number}`);
	await button(v, l.revoke).click();
	const form = v.script ? page.getByRole("dialog") : page.locator("main form");
	await form.getByLabel(l.reason).selectOption("4");
	await form.getByRole("button", { name: w.ok, exact: true }).click();
	await page.waitForTimeout(300);
	assert.equal(await form.getByLabel(l.sure).count(), 1, "not without the second confirmation");
	await form.getByLabel(l.sure).check();
	await inspect(v, "pass-revoke");
	const release = await hold(["demo_card"]);
	await form.getByRole("button", { name: w.ok, exact: true }).click();
	await page.getByRole("heading", { level: 1, name: l.revoking }).waitFor();
	await inspect(v, "pass-revoking");
	await page.getByRole("link", { name: w.info }).click();
	await page.getByRole("heading", { level: 1, name: w.details }).waitFor();
	await stay(v);
	await awaits(v, l.asked);
	await inspect(v, "pass-revocation-asked"); // the CA has revoked it; the card server was not told yet
	assert.equal(await mails(v), 0, "nobody is told before the card server is");
	await release();
	await awaits(v, l.revoked);
	await inspect(v, "pass-revoked");
}

// How many mails have come to this user.
async function mails(v) {
	return Number(await database(`SELECT COUNT(*) FROM demo_mail WHERE recipient = '${v.account}@example.ac.jp'`));
}

async function revocationMail(v, id) {
	const { page } = v, l = labels[v.lang];
	for (let i = 0; i < 50; i++) {
		await page.goto(base + "/demo_mailbox/");
		const row = page.getByRole("row").filter({ hasText: `${v.account}@example.ac.jp` }).filter({ hasText: l.mail }).first();
		if (await row.count()) {
			await row.getByRole("link").click();
			break;
		}
		await page.waitForTimeout(200);
	}
	assert.match(await page.locator("main").innerText(), new RegExp(`CN=${id} ${v.account}\\.`));
	assert.equal(await mails(v), 1);
	await inspect(v, "pass-revoked-mail");
}

async function walk(lang, size, account, options) {
	const v = await visitor(browser, lang, size, options), l = labels[lang];
	v.account = account;
	const id = `2024-${lang}-${size}${v.script ? "" : "-n"}`;
	try {
		await login(v, account);
		await v.page.locator("details.options summary").click();
		await inspect(v, "pass-options");
		await refusals(v);
		const number = await issue(v, id);
		await card(v, id, l.inUse, "pass-card");
		await ask(v, id.toUpperCase());
		await v.page.getByText(l.taken).waitFor();
		await inspect(v, "pass-id-taken");
		assert.equal(await mails(v), 0, "no mail of the issue");
		await revoke(v, number);
		await revocationMail(v, id);
		await card(v, id, l.cardRevoked, "pass-card-revoked");
		await v.page.goto(base + "/");
		await v.page.getByRole("row").filter({ hasText: l.type }).first().getByText(l.revoked, { exact: true }).waitFor();
		await inspect(v, "pass-dashboard");
		judge(v);
	} catch (error) {
		await v.page.screenshot({ path: `${process.env.INKAN_SOURCE}/build/screenshots/failed-pass-${lang}-${size}.png`, fullPage: true }).catch(() => {});
		error.message += `\nat ${v.page.url()}`;
		throw error;
	} finally {
		await v.context.close();
	}
}

test("Japanese, desktop", () => walk("ja", "desktop", "taro"));
test("English, phone", () => walk("en", "phone", "hanako"));
test("English, desktop", () => walk("en", "desktop", "jiro"));
test("Japanese, phone, without JavaScript", () => walk("ja", "phone", "admin", { javaScriptEnabled: false }));

test("the card server before its first card", async () => {
	await database("DELETE FROM demo_card");
	for (const [lang, size] of [["ja", "desktop"], ["en", "phone"]]) {
		const v = await visitor(browser, lang, size);
		await v.page.goto(base + "/demo_card/");
		await v.page.getByRole("heading", { level: 1, name: labels[lang].cards }).waitFor();
		await inspect(v, "pass-no-cards");
		judge(v);
		await v.context.close();
	}
});
