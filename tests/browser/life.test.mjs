// The manual's sections 4 and 5 as a person walks them: a certificate is taken, renewed, the new one taken, and the old one revoked.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { base, hold, inspect, judge, launch, login, visitor } from "./browser.mjs";

let browser;
before(async () => { browser = await launch(); });
after(async () => { await browser.close(); });

const labels = {
	ja: {
		revoke: "失効申請", renew: "更新申請", renewed: "更新申請完了", revoking: "失効申請完了", pin: "更新申請PIN取得済",
		before: "更新前の証明書の番号です。", valid: "有効", validRenewed: "有効(更新)", asked: "失効申請前", revoked: "失効済", noPin: "新規申請前",
		warning: "【注意】証明書を失効化します。一度失効すると、再有効化はできません。よろしいですか？", reason: "失効の理由",
		sure: "失効を取り消せないことを理解しました", still: "完了するまで証明書は有効です", refused: "失効申請はできません",
		already: "この証明書はすでに失効しています。", open: "この証明書はすでに更新申請中です。", notRenewed: "更新申請はできません",
		mail: "[UPKI] クライアント証明書失効完了通知", missed: "取得(更新)期限切れ", untouched: "変更はなく、引き続き有効です。", expired: "期限切れ",
		over: "この証明書は有効期限が切れているため、更新できません。", mime: "S/MIME証明書を申請", taken: "すでに発行済みか申請中です。",
		application: "申請番号", notAccepted: "申請を受け付けられませんでした",
	},
	en: {
		revoke: "Apply for revocation", renew: "Apply for renewal", renewed: "Renewal application completed",
		revoking: "Revocation application completed", pin: "Renewal, PIN received", before: "This is the number from before the renewal.",
		valid: "Valid", validRenewed: "Valid (renewed)", asked: "Revocation, not yet sent", revoked: "Revocation completed",
		noPin: "New request, not yet sent", warning: "Once revoked, it can never be made valid again.", reason: "Reason for the revocation",
		sure: "I understand that this cannot be undone", still: "The certificate stays valid until it is completed",
		refused: "The revocation cannot be applied for", already: "This certificate is revoked already.",
		open: "A renewal of this certificate is already under way.", notRenewed: "The renewal cannot be applied for",
		mail: "[UPKI] Client certificate revoked", missed: "Renewal not downloaded in time", untouched: "is unchanged and still valid",
		expired: "Expired", over: "This certificate has expired and can no longer be renewed.", mime: "Apply for an S/MIME certificate",
		taken: "You already have an S/MIME certificate for this e-mail address, or have applied for one.", application: "Application",
		notAccepted: "The application was not accepted",
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
	await phase(v).getByText(text, { exact: true }).waitFor();
}

async function details(v) {
	await v.page.getByRole("link", { name: v.words.info }).click();
	await v.page.getByRole("heading", { level: 1, name: v.words.details }).waitFor();
	return Number(/\/(\d+)$/.exec(v.page.url())[1]);
}

async function apply(v) {
	await v.page.getByRole("button", { name: v.words.apply, exact: true }).click();
	await (v.script ? v.page.getByRole("dialog") : v.page).getByRole("button", { name: v.words.ok, exact: true }).click();
	await v.page.getByRole("heading", { level: 1, name: v.words.applied }).waitFor();
	return details(v);
}

// In another window, as from the mail; the details page stays open meanwhile.
async function take(v, number) {
	while (!v.script && !(await v.page.locator("#pin").count())) {
		await v.page.waitForTimeout(250);
		await v.page.getByRole("link", { name: v.words.refresh }).click();
	}
	const pin = (await v.page.locator("#pin").innerText()).trim();
	const window = await v.context.newPage();
	let link;
	for (let i = 0; i < 100 && !link; i++) {
		await window.waitForTimeout(200);
		await window.goto(base + "/demo_mailbox/");
		for (const url of await window.getByRole("link", { name: "[UPKI]" }).evaluateAll((all) => all.slice(0, 6).map((a) => a.href))) {
			await window.goto(url);
			const text = await window.locator("main").innerText();
			if (new RegExp(`(申請番号：|number: )${number}$`, "m").test(text) && text.includes(v.account + "@"))
				link = await window.locator("a[href*='/upstream_local/take/']").first().getAttribute("href").catch(() => null);
			if (link)
				break;
		}
	}
	assert.ok(link, "the mail has come");
	await window.goto(link);
	await window.locator("input[name=pin]").fill(pin);
	await window.getByRole("button", { name: v.words.next }).click();
	const coming = window.waitForEvent("download");
	await window.getByRole("button", { name: v.words.download }).click();
	await (await coming).path();
	await window.close();
}

async function serial(v) {
	return (await v.page.locator(".rows dd .break").first().innerText()).trim();
}

async function renew(v, old) {
	const { page, words: w } = v, l = labels[v.lang], before = await serial(v);
	await button(v, l.renew).click();
	if (v.script) {
		await page.getByRole("dialog").waitFor();
		await inspect(v, "life-renew-dialog");
		await page.keyboard.press("Escape");
		assert.equal(await page.evaluate(() => document.activeElement.id), "renew-button", "the focus goes back to the button");
		await button(v, l.renew).click();
		await page.getByRole("dialog").getByRole("button", { name: w.ok, exact: true }).click();
	} else {
		await inspect(v, "life-renew");
		await page.getByRole("button", { name: w.ok, exact: true }).click();
	}
	await page.getByRole("heading", { level: 1, name: l.renewed }).waitFor();
	await inspect(v, "life-renewed");
	const number = await details(v);
	assert.ok(number > old);
	await awaits(v, l.pin);
	await page.getByText(l.before).waitFor();
	assert.equal(await serial(v), before, "the number is that of the old certificate");
	await inspect(v, "life-renewal-pin");
	await page.goto(`${base}/client/${old}/renew`);
	await page.getByRole("heading", { level: 1, name: l.notRenewed }).waitFor();
	await page.getByText(l.open).waitFor();
	await inspect(v, "life-renew-refused");
	await page.goto(`${base}/client/${number}`);
	await take(v, number);
	await awaits(v, l.validRenewed);
	assert.notEqual(await serial(v), before);
	assert.equal(await page.getByText(l.before).count(), 0);
	await inspect(v, "life-renewal-taken");
	return number;
}

async function fill(v, form) {
	await form.getByLabel(labels[v.lang].reason).selectOption("4");
	await form.getByLabel(labels[v.lang].sure).check();
}

async function revoke(v, number) {
	const { page, words: w } = v, l = labels[v.lang];
	await page.goto(`${base}/client/${number}`);
	await inspect(v, "life-renewed-old");
	await button(v, l.revoke).click();
	const form = v.script ? page.getByRole("dialog") : page.locator("main form");
	await form.getByText(l.warning).waitFor();
	await inspect(v, v.script ? "life-revoke-dialog" : "life-revoke");
	/* The browser itself does not send it without reason and confirmation. */
	await form.getByRole("button", { name: w.ok, exact: true }).click();
	await page.waitForTimeout(300);
	assert.equal(await form.getByText(l.warning).count(), 1);
	await fill(v, form);
	const release = await hold();
	await form.getByRole("button", { name: w.ok, exact: true }).click();
	await page.getByRole("heading", { level: 1, name: l.revoking }).waitFor();
	await inspect(v, "life-revoking");
	await details(v);
	await phase(v).getByText(l.asked, { exact: true }).waitFor();
	await page.getByText(l.still).waitFor();
	assert.ok(await button(v, l.revoke).isDisabled() && await button(v, l.renew).isDisabled());
	await inspect(v, "life-revocation-asked");
	if (v.script)
		await page.evaluate(() => { window.untouched = true; });
	await release();
	const began = Date.now();
	await awaits(v, l.revoked);
	if (v.script) {
		assert.ok(Date.now() - began < 3000, `the page moves by itself within 2 s of the event (${Date.now() - began} ms)`);
		assert.ok(await page.evaluate(() => window.untouched), "the page was not loaded again");
		assert.match(await page.locator("#announce").textContent(), new RegExp(l.revoked), "a screen reader is told");
	}
	await inspect(v, "life-revoked");
	await page.goto(`${base}/client/${number}/revoke`);
	await page.getByRole("heading", { level: 1, name: l.refused }).waitFor();
	await page.getByText(l.already).waitFor();
	await inspect(v, "life-revoke-refused");
}

async function revocationMail(v) {
	const { page } = v, l = labels[v.lang];
	const row = page.getByRole("row").filter({ hasText: `${v.account}@example.ac.jp` }).filter({ hasText: l.mail }).first();
	for (let i = 0; i < 50; i++) {
		await page.goto(base + "/demo_mailbox/");
		if (await row.count())
			break;
		await page.waitForTimeout(200);
	}
	await row.getByRole("link").click();
	await inspect(v, "life-revoked-mail");
}

async function life(lang, size, account, options) {
	const v = await visitor(browser, lang, size, options), l = labels[lang];
	v.account = account;
	try {
		await login(v, account);
		const release = await hold();
		const number = await apply(v);
		await phase(v).getByText(l.noPin, { exact: true }).waitFor();
		assert.ok(await button(v, l.revoke).isDisabled() && await button(v, l.renew).isDisabled(), "not before the download");
		await release();
		if (v.script)
			await v.page.locator("#mail-again").focus();
		await take(v, number);
		await awaits(v, l.valid);
		if (v.script)
			assert.equal(await v.page.evaluate(() => document.activeElement.id), "status", "the focus stays though its button is gone");
		assert.ok(await button(v, l.revoke).isEnabled() && await button(v, l.renew).isEnabled(), "enabled by itself");
		await inspect(v, "life-taken");
		const next = await renew(v, number);
		await revoke(v, number);
		await revocationMail(v);
		await v.page.goto(`${base}/client/${next}`);
		await phase(v).getByText(l.validRenewed, { exact: true }).waitFor();
		await v.page.goto(base + "/");
		await inspect(v, "life-dashboard");
		judge(v);
	} catch (error) {
		await v.page.screenshot({ path: `${process.env.INKAN_SOURCE}/build/screenshots/failed-life-${lang}-${size}.png`, fullPage: true }).catch(() => {});
		error.message += `\nat ${v.page.url()}`;
		throw error;
	} finally {
		await v.context.close();
	}
}

test("Japanese, desktop", () => life("ja", "desktop", "taro"));
test("English, phone", () => life("en", "phone", "hanako"));
test("English, desktop", () => life("en", "desktop", "jiro"));
test("Japanese, phone", () => life("ja", "phone", "admin"));
test("Japanese, desktop, without JavaScript", () => life("ja", "desktop", "taro", { javaScriptEnabled: false }));
test("English, phone, without JavaScript", () => life("en", "phone", "hanako", { javaScriptEnabled: false }));

// The button of a type that has no place is off and says why; whoever has an older page open is told so when he sends it.
async function place(lang, size, account, options) {
	const v = await visitor(browser, lang, size, options), { page, words: w } = v, l = labels[lang];
	v.account = account;
	try {
		await login(v, account);
		const mime = page.getByRole("button", { name: l.mime, exact: true }), older = await v.context.newPage();
		assert.ok(await mime.isEnabled());
		await older.goto(base + "/smime/apply");
		await mime.click();
		await (v.script ? page.getByRole("dialog") : page).getByRole("button", { name: w.ok, exact: true }).click();
		await page.getByRole("heading", { level: 1, name: w.applied }).waitFor();
		const path = new URL(page.url()).pathname.replace("/applied", ""), link = page.locator(`#full-smime a[href="${path}"]`);
		await page.goto(base + "/");
		assert.ok(await mime.isDisabled());
		assert.equal(await mime.getAttribute("aria-describedby"), "full-smime");
		await page.locator("#full-smime").getByText(l.taken).waitFor();
		assert.ok(await page.getByRole("button", { name: w.apply, exact: true }).isEnabled(), "another type has places of its own");
		await inspect(v, "place-taken");
		await link.click();
		await page.waitForURL(base + path);
		await older.getByRole("button", { name: w.ok, exact: true }).click();
		await older.getByRole("heading", { level: 1, name: l.notAccepted }).waitFor();
		await older.getByRole("link", { name: `${l.application} ${/\d+$/.exec(path)[0]}` }).waitFor();
		v.page = older;
		await inspect(v, "place-refused");
		v.page = page;
		await take(v, Number(/\d+$/.exec(path)[0]));
		await awaits(v, l.valid);
		await button(v, l.revoke).click();
		const form = v.script ? page.getByRole("dialog") : page.locator("main form");
		await fill(v, form);
		await form.getByRole("button", { name: w.ok, exact: true }).click();
		await page.getByRole("heading", { level: 1, name: l.revoking }).waitFor();
		await details(v);
		await awaits(v, l.revoked);
		await page.goto(base + "/");
		assert.ok(await mime.isEnabled(), "the place is free again");
		assert.equal(await page.locator("#full-smime").count(), 0);
		judge(v);
	} catch (error) {
		error.message += `\nat ${page.url()}`;
		throw error;
	} finally {
		await v.context.close();
	}
}

test("a place that is taken, Japanese, desktop", () => place("ja", "desktop", "hanako"));
test("a place that is taken, English, phone", () => place("en", "phone", "jiro"));
test("a place that is taken, Japanese, phone, without JavaScript", () => place("ja", "phone", "taro", { javaScriptEnabled: false }));

const day = 24 * 3600 * 1000;

/* For all browsers at once: there is one clock. */
function forward(days) {
	writeFileSync(process.env.STACK_CLOCK, `${days * day}\n`);
}

async function offered(v, number) {
	await login(v, v.account); // the session ended long ago
	return v.page.locator(`a[href="/client/${number}/renew"]`);
}

test("time goes by: a missed renewal, the offer of another one, expiry", async () => {
	const both = [await visitor(browser, "ja", "desktop"), await visitor(browser, "en", "phone")];
	try {
		for (const [i, v] of both.entries()) {
			v.account = ["taro", "hanako"][i];
			await login(v, v.account);
			v.number = await apply(v);
			await take(v, v.number);
			await awaits(v, labels[v.lang].valid);
			await button(v, labels[v.lang].renew).click();
			await v.page.getByRole("dialog").getByRole("button", { name: v.words.ok, exact: true }).click();
			v.next = await details(v);
			await awaits(v, labels[v.lang].pin);
		}
		forward(29);
		for (const v of both) {
			await offered(v, v.number);
			await v.page.goto(`${base}/client/${v.next}`);
			await phase(v).getByText(labels[v.lang].missed, { exact: true }).waitFor();
			await v.page.getByText(labels[v.lang].untouched).waitFor();
			await inspect(v, "life-renewal-missed");
			await v.page.goto(`${base}/client/${v.number}`);
			await phase(v).getByText(labels[v.lang].valid, { exact: true }).waitFor();
			assert.ok(await button(v, labels[v.lang].renew).isEnabled(), "it can be renewed again");
			await v.page.goto(base + "/");
			assert.equal(await v.page.locator(`a[href="/client/${v.number}/renew"]`).count(), 0, "not offered years ahead");
		}
		forward(1550);
		for (const v of both) {
			const offer = await offered(v, v.number);
			await offer.waitFor();
			await inspect(v, "life-renewal-offered");
			await offer.click();
			await v.page.getByRole("button", { name: v.words.ok, exact: true }).waitFor();
			await inspect(v, "life-renewal-asked");
		}
		forward(1650);
		for (const v of both) {
			assert.equal(await (await offered(v, v.number)).count(), 0, "no longer offered");
			await v.page.goto(`${base}/client/${v.number}`);
			await phase(v).getByText(labels[v.lang].expired, { exact: true }).waitFor();
			await v.page.getByText(labels[v.lang].over).waitFor();
			assert.ok(await button(v, labels[v.lang].revoke).isDisabled() && await button(v, labels[v.lang].renew).isDisabled());
			await inspect(v, "life-expired");
			judge(v);
		}
	} catch (error) {
		for (const v of both)
			error.message += `\nat ${v.page.url()}`;
		throw error;
	} finally {
		for (const v of both)
			await v.context.close();
	}
});
