// The manual's sections 1 and 2 as a person walks them: log in, apply, PIN, mail, download, and the .p12 opens with the PIN.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { base, database, hold, inspect, judge, launch, login, run, visitor } from "./browser.mjs";

let browser;
before(async () => { browser = await launch(); });
after(async () => { await browser.close(); });

// Gives the number, and what lets the CA go on, which is held up from the moment of 「OK」.
async function apply(v) {
	const { page, words: w } = v;
	let release;
	await inspect(v, "dashboard");
	await page.getByRole("button", { name: w.apply, exact: true }).click();
	if (!v.script) {
		await inspect(v, "confirm");
		release = await hold();
		await page.getByRole("button", { name: w.ok, exact: true }).click();
	} else {
		const dialog = page.getByRole("dialog");
		await dialog.waitFor();
		await inspect(v, "dialog");
		await page.keyboard.press("Escape");
		await dialog.waitFor({ state: "hidden" });
		await page.getByRole("button", { name: w.apply, exact: true }).click();
		release = await hold();
		await dialog.getByRole("button", { name: w.ok, exact: true }).click();
	}
	await page.getByRole("heading", { level: 1, name: w.applied }).waitFor();
	await inspect(v, "applied");
	return { number: Number(/\/client\/(\d+)\/applied$/.exec(page.url())[1]), release };
}

// The PIN appears by itself: while the CA is held up the page says that there is none yet.
async function awaitPin(v, release) {
	const { page, words: w } = v;
	await page.getByRole("link", { name: w.info }).click();
	await page.getByRole("heading", { level: 1, name: w.details }).waitFor();
	await page.getByText(w.noPin).waitFor();
	await inspect(v, "details-before");
	if (v.script)
		await page.evaluate(() => { window.untouched = true; });
	await release();
	if (!v.script)
		while (!(await page.locator("#pin").count())) {
			await page.waitForTimeout(300);
			await page.getByRole("link", { name: w.refresh }).click();
		}
	await page.locator("#pin").waitFor();
	if (v.script)
		assert.ok(await page.evaluate(() => window.untouched), "the page was not loaded again");
	await inspect(v, "details-pin");
	return (await page.locator("#pin").textContent()).trim();
}

// Until the first certificate was taken the dashboard says which step comes next, and leads there.
async function steps(v, number) {
	const { page } = v, welcome = page.locator("section[aria-labelledby=first-title]");
	await page.goto(base + "/");
	assert.equal(await welcome.count(), number === 1 ? 1 : 0);
	await inspect(v, "dashboard-pin");
	if (number === 1)
		await welcome.locator(`[aria-current=step] a[href='/client/${number}']`).waitFor();
}

async function mail(v, account, number) {
	const { page, words: w } = v;
	for (let i = 0; i < 50; i++) {
		await page.goto(base + "/demo_mailbox/");
		const row = page.getByRole("row").filter({ hasText: `${account}@example.ac.jp` }).filter({ hasText: w.subject }).first();
		if (await row.count()) {
			await inspect(v, "mailbox");
			await row.getByRole("link").click();
			break;
		}
		await page.waitForTimeout(200);
	}
	const text = await page.locator("main").innerText();
	assert.match(text, /２）クライアント証明書の取得/);
	assert.match(text, new RegExp(`(申請番号|number)\\D*${number}\\b`));
	await inspect(v, "mail");
	await page.locator("a[href*='/upstream_local/take/']").first().click();
}

async function take(v, pin, account, number) {
	const { page, words: w } = v;
	await page.getByRole("heading", { level: 1, name: w.pin }).waitFor();
	await inspect(v, "pin");
	await page.locator("input[name=pin]").fill("wrong" + pin.slice(5));
	await page.getByRole("button", { name: w.next }).click();
	await inspect(v, "pin-wrong");
	await page.locator("input[name=pin]").fill(pin);
	await page.getByRole("button", { name: w.next }).click();
	const button = page.getByRole("button", { name: w.download });
	await button.waitFor();
	await inspect(v, "download");
	const coming = page.waitForEvent("download");
	await button.click();
	const file = await (await coming).path();
	// What comes next: the page says so before, and with JavaScript once more.
	assert.equal(await page.locator("[data-started]").isVisible(), v.script);
	assert.equal(await page.locator(".stages [aria-current]").innerText(), v.script ? w.install : w.download);
	await page.locator("#install a[href='/help/linux']").waitFor();
	await inspect(v, "downloaded");
	await page.reload(); // by now it is taken: what this browser may have again, and in which format
	await inspect(v, "download-again");
	const { stdout } = await run("openssl", ["pkcs12", "-in", file, "-passin", `pass:${pin}`, "-nokeys", "-clcerts"]);
	assert.match(stdout, new RegExp(`${account}\\.${number}\\b`));
	await assert.rejects(run("openssl", ["pkcs12", "-in", file, "-passin", "pass:wrong", "-nokeys"]), "another PIN must not open it");
}

async function afterwards(v, number) {
	const { page, words: w } = v;
	await page.goto(`${base}/client/${number}`);
	const state = page.locator(".rows .state", { hasText: w.valid }).first();
	for (let i = 0; i < 20 && !(await state.count()); i++) {
		await page.waitForTimeout(200);
		await page.reload();
	}
	await state.waitFor();
	await inspect(v, "details-taken");
	if (v.script) {
		await page.locator("#copy-pin").click();
		assert.equal(await page.evaluate(() => navigator.clipboard.readText()), (await page.locator("#pin").textContent()).trim());
	}
	await page.goto(base + "/");
	await page.getByRole("link", { name: new RegExp(`${number}`) }).first().waitFor();
	assert.equal(await page.locator("#first-title").count(), 0);
	await inspect(v, "dashboard-after");
	await page.goto(base + "/help");
	await inspect(v, "help");
	await page.goto(base + "/nowhere");
	await inspect(v, "not-found");
}

async function leave(v) {
	const { page, words: w } = v;
	await page.goto(base + "/");
	await page.locator("summary", { hasText: w.menu }).click();
	await page.getByRole("link", { name: w.mailbox }).waitFor();
	await inspect(v, "menu");
	await page.getByRole("button", { name: w.logout }).click();
	await page.goto(base + "/client/1");
	assert.equal(new URL(page.url()).hostname, "127.0.0.1", "without a session one is sent to log in");
}

async function walk(lang, size, account, options) {
	const v = await visitor(browser, lang, size, options);
	try {
		await login(v, account);
		const { number, release } = await apply(v);
		const pin = await awaitPin(v, release);
		await steps(v, number);
		await mail(v, account, number);
		await take(v, pin, account, number);
		await afterwards(v, number);
		await leave(v);
		judge(v);
	} catch (error) {
		await v.page.screenshot({ path: `${process.env.INKAN_SOURCE}/build/screenshots/failed-${lang}-${size}.png`, fullPage: true }).catch(() => {});
		error.message += `\nat ${v.page.url()}`;
		throw error;
	} finally {
		await v.context.close();
	}
}

test("Japanese, desktop", () => walk("ja", "desktop", "taro"));
test("English, phone", () => walk("en", "phone", "hanako"));
test("English, desktop", () => walk("en", "desktop", "jiro"));
test("Japanese, phone", () => walk("ja", "phone", "admin"));
test("Japanese, desktop, without JavaScript", () => walk("ja", "desktop", "taro", { javaScriptEnabled: false }));

test("the language switch keeps the page and its query", async () => {
	const v = await visitor(browser, "ja", "desktop");
	await login(v, "taro");
	await v.page.goto(base + "/?valid=1");
	await v.page.getByRole("link", { name: v.words.other }).click();
	assert.equal(await v.page.evaluate(() => document.documentElement.lang), "en");
	assert.equal(new URL(v.page.url()).search, "?valid=1");
	await v.context.close();
});

test("a double click applies once", async () => {
	const v = await visitor(browser, "en", "desktop");
	await login(v, "taro");
	const count = async () => Number(await database("SELECT COUNT(*) FROM application"));
	const earlier = await count();
	await v.page.getByRole("button", { name: v.words.apply, exact: true }).click();
	await v.page.getByRole("dialog").getByRole("button", { name: v.words.ok, exact: true }).dblclick();
	await v.page.getByRole("heading", { level: 1, name: v.words.applied }).waitFor();
	await v.page.goBack();
	await v.page.goForward();
	await v.page.reload();
	assert.equal(await count(), earlier + 1);
	await v.context.close();
});
