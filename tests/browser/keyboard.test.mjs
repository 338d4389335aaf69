// The keyboard alone, through the whole life of a certificate: log in, apply, read the PIN, open the mail, enter the PIN, choose a format
// and download; renew, and download the new one; revoke the old one until it is revoked; log out. At every stop the focus is visible and
// not covered, it never gets stuck, and it is where it belongs (WCAG 2.1.1, 2.1.2, 2.4.3, 2.4.7, 2.4.11, 3.2.1).
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { base, hold, judge, launch, passwords, run, visitor } from "./browser.mjs";

const MOST = 80; // stops on a page: far more than any has
const labels = {
	ja: { renewed: "更新申請完了", revoking: "失効申請完了", revoked: "失効済", asked: "失効申請前", validRenewed: "有効(更新)", left: "ログアウトしました" },
	en: {
		renewed: "Renewal application completed", revoking: "Revocation application completed", revoked: "Revocation completed",
		asked: "Revocation, not yet sent", validRenewed: "Valid (renewed)", left: "You are logged out",
	},
};

let browser;
before(async () => { browser = await launch(); });
after(async () => { await browser.close(); });

// How the focused element shows itself; null when nothing but the page has the focus.
const look = () => {
	const element = document.activeElement;
	if (!element || element === document.body || element === document.documentElement)
		return null;
	const box = element.getBoundingClientRect(), style = getComputedStyle(element);
	const x = Math.min(Math.max(box.left + box.width / 2, 0), innerWidth - 1), y = Math.min(Math.max(box.top + box.height / 2, 0), innerHeight - 1);
	const top = document.elementFromPoint(x, y);
	return {
		text: (element.getAttribute("aria-label") || element.textContent || element.name || "").trim().slice(0, 60),
		shown: box.width > 1 && box.height > 1 && box.bottom > 0 && box.top < innerHeight,
		outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
		covered: !(top && (element.contains(top) || top.contains(element) || (top.closest("label") && top.closest("label").control === element))),
	};
};

function stop(v, at) {
	const where = `${new URL(v.page.url()).pathname}: "${at.text}"`;
	if (!at.shown)
		v.faults.push(`${where} has the focus but cannot be seen`);
	else if (!at.outlined)
		v.faults.push(`${where} does not show its focus`);
	else if (at.covered)
		v.faults.push(`${where} is covered`);
}

// Tab until this has the focus.
async function reach(v, locator, key = "Tab") {
	const { page } = v, address = page.url();
	for (let i = 0; i < MOST; i++) {
		if (await locator.evaluate((element) => element === document.activeElement).catch(() => false))
			return;
		await page.keyboard.press(key);
		const at = await page.evaluate(look);
		if (at)
			stop(v, at);
		assert.equal(page.url(), address, "moving the focus leaves the page alone");
	}
	assert.fail(`the keyboard does not reach ${locator} at ${address}`);
}

async function press(v, locator, key = "Enter") {
	await reach(v, locator);
	await v.page.keyboard.press(key);
}

// Once around: every link, button and field gets the focus, and the focus gets out again.
async function around(v) {
	const { page } = v;
	// From the top, wherever the focus was before.
	await page.evaluate(() => {
		const root = document.documentElement;
		root.tabIndex = -1;
		root.focus();
		root.removeAttribute("tabindex");
	});
	const wanted = await page.evaluate(() => [...document.querySelectorAll("a[href],button,input,select,textarea,summary")]
		.filter((e) => !e.disabled && e.type !== "hidden" && e.checkVisibility() && (e.type !== "radio" || e.checked)).length);
	await page.evaluate(() => { window.visited = new Set(); });
	for (let i = 0; i < MOST; i++) {
		await page.keyboard.press("Tab");
		const at = await page.evaluate(look);
		if (!at)
			break; // the browser's own bar
		stop(v, at);
		await page.evaluate(() => window.visited.add(document.activeElement));
	}
	const reached = await page.evaluate(() => window.visited.size);
	if (reached < wanted)
		v.faults.push(`${page.url()}: the keyboard reaches ${reached} of ${wanted} links, buttons and fields`);
}

async function login(v, account) {
	const { page, words: w } = v;
	await page.goto(base + "/");
	await page.keyboard.press("Tab");
	assert.equal(await page.evaluate(() => document.activeElement.className), "skip", "the first stop skips to the content");
	await page.keyboard.press("Enter");
	await press(v, page.getByRole("link", { name: w.gakunin }));
	await page.waitForURL((url) => url.hostname === "127.0.0.1");
	await reach(v, page.locator("input[name=name]"));
	await page.keyboard.type(account);
	await reach(v, page.locator("input[name=password]"));
	await page.keyboard.type(passwords[account]);
	await page.keyboard.press("Enter");
	await page.waitForURL(base + "/");
	await page.getByRole("heading", { level: 1, name: w.dashboard }).waitFor();
	await around(v);
}

const focused = (locator) => locator.evaluate((element) => element === document.activeElement);

// A button asks in a dialog: the focus goes there, stays there, and comes back when nothing comes of it.
async function question(v, button) {
	const { page } = v, dialog = page.locator("dialog[open]");
	await press(v, button);
	await dialog.waitFor();
	assert.ok(await page.evaluate(() => document.activeElement.closest("dialog[open]") !== null), "the focus is in the question");
	stop(v, await page.evaluate(look));
	await page.keyboard.press("Escape");
	await dialog.waitFor({ state: "detached" });
	assert.ok(await focused(button), "closing the question gives the focus back");
	stop(v, await page.evaluate(look));
	await page.keyboard.press("Enter");
	await dialog.waitFor();
	for (let i = 0; i < 10; i++) {
		await page.keyboard.press("Tab");
		assert.ok(await page.evaluate(() => document.activeElement === document.body || document.activeElement.closest("dialog") !== null),
			"the focus stays in the question");
	}
	return dialog;
}

// From the completion page to the PIN in the clipboard.
async function pinOf(v) {
	const { page, words: w } = v;
	await around(v);
	await press(v, page.getByRole("link", { name: w.info }));
	await page.locator("#pin").waitFor();
	await around(v);
	await press(v, page.locator("#copy-pin"));
	const pin = (await page.locator("#pin").textContent()).trim();
	await page.waitForFunction((text) => navigator.clipboard.readText().then((copied) => copied === text), pin);
	return { number: Number(/\/client\/(\d+)$/.exec(page.url())[1]), pin };
}

async function apply(v) {
	const { page, words: w } = v;
	const dialog = await question(v, page.getByRole("button", { name: w.apply, exact: true }));
	await press(v, dialog.getByRole("button", { name: w.ok, exact: true }));
	await page.getByRole("heading", { level: 1, name: w.applied }).waitFor();
	return pinOf(v);
}

// The account's latest mail about a certificate, when there are so many.
async function mail(v, account, many) {
	const { page, words: w } = v;
	await press(v, page.locator("summary", { hasText: w.menu }));
	await press(v, page.getByRole("link", { name: w.mailbox }));
	await page.waitForURL(base + "/demo_mailbox/");
	const rows = page.getByRole("row").filter({ hasText: `${account}@example.ac.jp` }).filter({ hasText: w.subject });
	for (let i = 0; i < 50 && await rows.count() < many; i++) {
		await page.waitForTimeout(200);
		await page.reload();
	}
	await press(v, rows.first().getByRole("link"));
	await page.waitForURL(/\/demo_mailbox\/\d+/);
	await press(v, page.locator("a[href*='/upstream_local/take/']").first());
	await page.getByRole("heading", { level: 1, name: w.pin }).waitFor();
}

async function take(v, pin) {
	const { page, words: w } = v;
	await reach(v, page.locator("input[name=pin]"));
	await page.keyboard.press("Control+V"); // WCAG 3.3.8: what was copied can be pasted
	assert.equal(await page.locator("input[name=pin]").inputValue(), pin);
	await press(v, page.getByRole("button", { name: w.next }));
	await page.waitForURL(/\/download$/);
	await around(v);
	await reach(v, page.locator("input[name=format]:checked"));
	await page.keyboard.press("ArrowDown");
	assert.equal(await page.locator("input[name=format]:checked").inputValue(), "compatible");
	const coming = page.waitForEvent("download");
	await press(v, page.getByRole("button", { name: w.download }));
	const file = await (await coming).path();
	await run("openssl", ["pkcs12", "-in", file, "-passin", `pass:${pin}`, "-nokeys", "-clcerts"]);
}

// By the number in the list.
async function open(v, number) {
	const { page } = v;
	await page.goto(base + "/");
	await press(v, page.locator(`a.number[href="/client/${number}"]`));
	await page.waitForURL(`${base}/client/${number}`);
}

async function renew(v, number) {
	const { page, words: w } = v;
	await open(v, number);
	await page.locator("#renew-button:enabled").waitFor(); // by itself, as soon as the download is known
	const dialog = await question(v, page.locator("#renew-button"));
	await press(v, dialog.getByRole("button", { name: w.ok, exact: true }));
	await page.getByRole("heading", { level: 1, name: labels[v.lang].renewed }).waitFor();
	const renewed = await pinOf(v);
	assert.ok(renewed.number > number);
	return renewed;
}

async function revoke(v, number) {
	const { page, words: w } = v, l = labels[v.lang], memo = page.locator("#memo-text");
	await open(v, number);
	await around(v);
	const dialog = await question(v, page.locator("#revoke-button")), ok = dialog.getByRole("button", { name: w.ok, exact: true });
	const reason = dialog.locator("#revoke-reason"), sure = dialog.locator("#revoke-understood");
	await press(v, ok);
	assert.ok(await focused(reason), "what is missing gets the focus");
	stop(v, await page.evaluate(look));
	await page.keyboard.press("ArrowDown");
	await page.keyboard.press("ArrowDown");
	assert.equal(await reason.inputValue(), "4");
	await press(v, ok);
	assert.ok(await focused(sure), "and so does the second confirmation");
	await page.keyboard.press("Space");
	assert.ok(await sure.isChecked());
	const release = await hold();
	await press(v, ok);
	await page.getByRole("heading", { level: 1, name: l.revoking }).waitFor();
	await around(v);
	await press(v, page.getByRole("link", { name: w.info }));
	await page.locator("[data-announce]").getByText(l.asked, { exact: true }).waitFor();
	/* The page moves by itself, and leaves whoever is writing alone. */
	await reach(v, memo);
	await page.keyboard.type("notebook");
	await release();
	await page.locator("[data-announce]").getByText(l.revoked, { exact: true }).waitFor();
	assert.ok(await focused(memo), "news of the certificate do not move the focus");
	assert.equal(await memo.inputValue(), "notebook");
	await page.keyboard.press("Enter");
	await page.waitForURL(/saved=1/);
	await around(v);
}

async function logout(v) {
	const { page, words: w } = v;
	await press(v, page.locator("summary", { hasText: w.menu }));
	await press(v, page.getByRole("button", { name: w.logout }));
	await page.getByText(labels[v.lang].left).waitFor();
	await around(v);
	await page.goto(base + "/client/1");
	assert.equal(new URL(page.url()).hostname, "127.0.0.1", "without a session one is sent to log in");
}

async function walk(lang, account) {
	const v = await visitor(browser, lang, "desktop");
	try {
		await login(v, account);
		const { number, pin } = await apply(v);
		await mail(v, account, 1);
		await take(v, pin);
		const renewed = await renew(v, number);
		await mail(v, account, 2);
		await take(v, renewed.pin);
		await open(v, renewed.number);
		await v.page.locator("[data-announce]").getByText(labels[lang].validRenewed, { exact: true }).waitFor();
		await revoke(v, number);
		for (const path of ["/help", "/help/windows", "/calendar"]) {
			await v.page.goto(base + path);
			await around(v);
		}
		await logout(v);
		judge(v);
	} catch (error) {
		error.message += `\nat ${v.page.url()}`;
		throw error;
	} finally {
		await v.context.close();
	}
}

test("Japanese, by keyboard", () => walk("ja", "taro"));
test("English, by keyboard", () => walk("en", "hanako"));

test("the checks see what they are for", async () => {
	const v = await visitor(browser, "en", "desktop");
	await v.page.setContent(`<html lang="en"><body><a href="#a">good</a><a href="#b" style="outline: none">bare</a>
		<div onclick="go()">no button</div><button tabindex="-1">beyond reach</button></body></html>`);
	await around(v);
	assert.equal(v.faults.filter((text) => /"bare" does not show/.test(text)).length, 1, v.faults.join("\n"));
	assert.equal(v.faults.filter((text) => /reaches 2 of 3/.test(text)).length, 1, v.faults.join("\n"));
	await v.context.close();
});
