// What the browser tests share: Chromium, contexts by language and width, and what must hold on every page.
import { chromium } from "playwright-core";
import axe from "axe-core";
import assert from "node:assert/strict";
import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, readdirSync } from "node:fs";
import { promisify } from "node:util";

export const run = promisify(execFile);
export const base = process.env.STACK_URL;
const shots = process.env.INKAN_SOURCE + "/build/screenshots";
mkdirSync(shots, { recursive: true });

export const passwords = Object.fromEntries(
	readFileSync(process.env.STACK_TOP + "/out", "utf8").split("\n").filter((line) => line.startsWith("account: "))
		.map((line) => line.split(" ").slice(1, 3)));

// What users read, by language: the manual's own labels in Japanese.
export const words = {
	ja: {
		gakunin: "学認ログイン", login: "Login", dashboard: "クライアント証明書発行申請ダッシュボード", apply: "クライアント証明書を申請",
		ok: "OK", cancel: "キャンセル", applied: "新規申請完了", info: "証明書情報確認", details: "証明書の詳細",
		noPin: "まだPIN番号は発行されていません。申請完了メール送信までお待ちください。", refresh: "画面更新",
		menu: "アカウントメニュー", mailbox: "デモ用メールボックス", subject: "[UPKI] クライアント証明書発行受付通知",
		taken: "[UPKI] クライアント証明書取得通知", pin: "アクセスPIN", next: "次へ", download: "ダウンロード", valid: "有効", install: "インストール",
		logout: "ログアウト", other: "English", continue: "次へ進む",
	},
	en: {
		gakunin: "GakuNin Login", login: "Login", dashboard: "Client certificate application dashboard",
		apply: "Apply for a client certificate", ok: "OK", cancel: "Cancel", applied: "New application completed",
		info: "Check certificate information", details: "Certificate details",
		noPin: "The PIN has not been issued yet. Please wait until the mail on your application is sent.", refresh: "Refresh the page",
		menu: "Account menu", mailbox: "Demo mailbox", subject: "[UPKI] Client certificate application accepted",
		taken: "[UPKI] Client certificate obtained", pin: "Access PIN", next: "Next", download: "Download", valid: "Valid", install: "Install",
		logout: "Log out", other: "Japanese", continue: "Continue",
	},
};

export const sizes = { desktop: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } };

export async function launch() {
	return chromium.launch({
		executablePath: "/usr/bin/chromium",
		args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
			"--disable-component-update", "--disable-sync"],
	});
}

// A user's browser; every complaint of the browser itself (blocked by the Content-Security-Policy, script error) is a failure.
export async function visitor(browser, lang, size, options = {}) {
	const context = await browser.newContext({
		locale: lang === "ja" ? "ja-JP" : "en-US", viewport: sizes[size], ignoreHTTPSErrors: true, acceptDownloads: true,
		hasTouch: size === "phone", isMobile: size === "phone", timezoneId: "Asia/Tokyo",
		reducedMotion: "reduce", /* nothing is judged half-way through a transition */ ...options,
	});
	context.setDefaultTimeout(15000);
	await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: base });
	const page = await context.newPage();
	const complaints = [];
	page.on("pageerror", (error) => complaints.push(`${page.url()}: ${error}`));
	page.on("console", (message) => {
		// a page that answers 4xx on purpose is reported too
		if (["error", "warning"].includes(message.type()) && !/Failed to load resource.*status of (400|401|403|404|409|410|429)/.test(message.text()))
			complaints.push(`${page.url()}: ${message.text()}`);
	});
	return { context, page, lang, size, words: words[lang], complaints, faults: [], n: 0, script: options.javaScriptEnabled !== false };
}

// The English texts that have a Japanese translation, from the catalogues themselves: plain ones, and patterns for those with markers.
const catalogues = process.env.INKAN_SOURCE + "/locales/ja/";
const english = { plain: [], patterns: [] };
for (const file of readdirSync(catalogues).filter((name) => name.endsWith(".po"))) {
	const text = execFileSync("msgcat", ["--no-wrap", catalogues + file], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
	for (const [, id, translation] of text.matchAll(/^msgid "(.+)"\nmsgstr(?:\[0\])? "(.+)"$/gm)) {
		const plain = JSON.parse(`"${id}"`);
		if (id === translation || !/[A-Za-z]{2}/.test(plain.replace(/\{\{[^}]*\}\}/g, "")))
			continue;
		if (plain.includes("{{"))
			english.patterns.push("^" + plain.split(/\{\{[^}]*\}\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join(".*") + "$");
		else
			english.plain.push(plain);
	}
}
assert.ok(english.plain.length > 200 && english.patterns.length > 20, "the catalogues were read");

// Text of the other language where nobody marked it as such: in the page, in what screen readers say, in the title.
export async function strangers(page, lang, { title = true } = {}) {
	return page.evaluate(({ lang, title, plain, patterns }) => {
		const found = [], known = new Set(plain), shapes = patterns.map((pattern) => new RegExp(pattern));
		const judge = (text) => {
			text = text.replace(/\s+/g, " ").trim();
			const strange = lang === "en" ? /[\u3040-\u30ff\u4e00-\u9fff]/.test(text)
				: known.has(text) || shapes.some((shape) => shape.test(text)) || /[A-Za-z]{2,} [a-z]{2,} [a-z]{2,}/.test(text);
			if (text && strange)
				found.push(text);
		};
		const marked = (element) => {
			const own = element.closest("[lang],code,script,style,noscript");
			return own && own !== document.documentElement;
		};
		const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
		for (let node; (node = walker.nextNode());)
			if (!marked(node.parentElement))
				judge(node.textContent);
		for (const name of ["aria-label", "title", "alt", "placeholder", "data-copied", "data-missing", "data-text", "data-label"])
			for (const element of document.querySelectorAll(`[${name}]`))
				if (!marked(element))
					judge(element.getAttribute(name));
		if (title)
			document.title.split(" - ").forEach(judge);
		return found;
	}, { lang, title, ...english });
}

// What is wider than the page, and text that its box cuts off.
const misfits = () => {
	const found = [], over = document.documentElement.scrollWidth - document.documentElement.clientWidth;
	if (over > 0)
		found.push(`${over} pixels wider than the screen`);
	for (const element of document.querySelectorAll("body *")) {
		const style = getComputedStyle(element), box = element.getBoundingClientRect();
		const text = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim());
		if (!text || style.display === "inline" || box.width <= 1 || element.matches("input,select,textarea,option,script,style"))
			continue;
		if (style.overflowX !== "visible" && element.scrollWidth > element.clientWidth + 1)
			found.push(`cut off at its side: ${element.textContent.trim().slice(0, 60)}`);
		if (style.overflowY !== "visible" && element.scrollHeight > element.clientHeight + 1)
			found.push(`cut off below: ${element.textContent.trim().slice(0, 60)}`);
	}
	return found;
};

// WCAG 1.4.4 and 1.4.10: a zoom of 200 and of 400 percent leaves 640 and 320 pixels; 1.4.12: with its text spacing too.
export async function fits(page) {
	const found = [], before = page.viewportSize();
	for (const width of [640, 320]) {
		await page.setViewportSize({ width, height: before.height });
		for (const text of await page.evaluate(misfits))
			found.push(`at ${width} pixels: ${text}`);
	}
	await page.setViewportSize(before);
	await page.evaluate(() => {
		const sheet = new CSSStyleSheet();
		sheet.replaceSync("* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important } p { margin-bottom: 2em !important }");
		document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
	});
	for (const text of await page.evaluate(misfits))
		found.push(`with wide spacing: ${text}`);
	await page.evaluate(() => { document.adoptedStyleSheets = document.adoptedStyleSheets.slice(0, -1); });
	return found;
}

// What holds on every page; leaves a screenshot. Faults are gathered: one run tells them all. lang: of a page
// that is not in the visitor's; title: false when it is in both languages.
export async function inspect(v, name, { lang = v.lang, title = true } = {}) {
	const { page } = v;
	v.n++;
	await page.waitForLoadState(); // a click comes back when the next page has only begun to arrive
	await page.screenshot({ path: `${shots}/${v.lang}-${v.size}${v.script ? "" : "-noscript"}-${String(v.n).padStart(2, "0")}-${name}.png`, fullPage: true });
	if (!v.script)
		return;
	const fault = (text) => v.faults.push(`${name}: ${text}`);
	const said = await page.evaluate(() => document.documentElement.lang);
	if (said !== lang)
		fault(`the page says it is in "${said}"`);
	for (const text of await page.evaluate(misfits))
		fault(text);
	for (const text of await strangers(page, lang, { title }))
		fault(`text of the other language: ${text}`);
	await page.evaluate(axe.source);
	const result = await page.evaluate(() => window.axe.run(document,
		{ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
	for (const x of result.violations)
		fault(`${x.id}: ${x.nodes.map((n) => `${n.target.join(" ")} (${n.any.concat(n.all).map((c) => c.message).join("; ")})`).join(", ")}`);
	for (const text of v.size === "desktop" ? await fits(page) : [])
		fault(text);
}

export function judge(v) {
	assert.deepEqual([...new Set(v.faults.concat(v.complaints))], []);
}

export async function login(v, account) {
	const { page, words: w } = v;
	await page.goto(base + "/");
	await inspect(v, "landing");
	await page.getByRole("link", { name: w.gakunin }).click();
	assert.equal(new URL(page.url()).hostname, "127.0.0.1", "the IdP is another site");
	await inspect(v, "idp");
	await page.locator("input[name=name]").fill(account);
	await page.locator("input[name=password]").fill(passwords[account]);
	await page.getByRole("button", { name: w.login }).click();
	if (!v.script)
		await page.getByRole("button").click();
	await page.waitForURL(base + "/");
	await page.getByRole("heading", { level: 1, name: w.dashboard }).waitFor();
}

const client = ["--no-defaults", `--socket=${process.env.STACK_DIR}/run/db.sock`, "--user=root", "--skip-column-names", "--unbuffered", "inkan"];

export async function database(sql) {
	return (await run("mariadb", [...client, "-e", sql])).stdout;
}

// Holds the CA (or who else has these tables) up, as a busy database would, until the function that it gives is called.
export async function hold(tables = ["local_order", "local_key"]) {
	const session = spawn("mariadb", client, { stdio: ["pipe", "pipe", "inherit"] });
	session.stdin.write(`LOCK TABLES ${tables.map((table) => `${table} WRITE`).join(", ")}; SELECT 'held';\n`);
	await once(session.stdout, "data");
	return async () => {
		session.stdin.end();
		await once(session, "exit");
	};
}
