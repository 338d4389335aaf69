// Section 10 of the manual: maintenance mode is previewed, set, seen by users on every process, disputed, ended, and scheduled.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { base, database, inspect, judge, launch, login, visitor } from "./browser.mjs";

let browser;
before(async () => { browser = await launch(); });
after(async () => { await browser.close(); });

const labels = {
	ja: {
		title: "メンテナンスモード設定", set: "メンテナンスモードを設定する", end: "メンテナンスモードを解除する", edit: "入力内容を修正する", change: "変更する",
		later: "日時を指定して開始する", wrong: "まだ設定されていません。印の付いた項目を修正してください。", done: "メンテナンスモードを設定しました。",
		ended: "メンテナンスモードを解除しました。", reason: "メンテナンス中のため、ご利用いただけません。", other: "別の管理者", insist: "この内容で上書きする",
		cancel: "メンテナンスの予定を取り消す", ahead: "メンテナンス予定：", expected: "終了予定：", refused: "処理は行われていません。", memo: "用途メモ",
	},
	en: {
		title: "Maintenance mode settings", set: "Set maintenance mode", end: "End maintenance mode", edit: "Change the entries", change: "Change",
		later: "At this time:", wrong: "Nothing was set yet: please correct the marked fields.", done: "Maintenance mode was set.",
		ended: "Maintenance mode is ended.", reason: "Not possible during maintenance.", other: "Another administrator", insist: "Set mine instead",
		cancel: "Cancel the scheduled maintenance", ahead: "Scheduled maintenance:", expected: "Expected end:", refused: "nothing was done.", memo: "Memo on its use",
	},
};
const messages = { ja: "データベースの更新のため、申請を停止しています。\n午後3時までお待ちください。", en: "Applications are stopped while the database is replaced.\nPlease wait until 3 p.m." };

const button = (v, name) => v.page.getByRole("button", { name, exact: true });
const banner = (v) => v.page.locator("aside.pause");

async function administrator(lang, size, options = {}) {
	const v = await visitor(browser, lang, size, { httpCredentials: { username: "kanri", password: process.env.STACK_BASIC, origin: base }, ...options });
	await login(v, "admin");
	return v;
}

async function settings(v) {
	await v.page.goto(base + "/admin_maintenance");
	await v.page.getByRole("heading", { level: 1, name: labels[v.lang].title }).waitFor();
}

async function enter(v, text = messages) {
	await v.page.locator("#message-ja").fill(text.ja);
	await v.page.locator("#message-en").fill(text.en);
}

// Two processes answer in turn: none of so many pages may be without.
async function everywhere(v, text, wanted = true) {
	await v.page.waitForTimeout(2000);
	for (let i = 0; i < 12; i++) {
		const page = await (await v.context.request.get(base + "/", { headers: { "Accept-Language": v.lang } })).text();
		assert.equal(page.includes('class="pause"') && page.includes(text), wanted, `page ${i}`);
	}
}

async function applied(v) {
	await v.page.goto(base + "/");
	await button(v, v.words.apply).click();
	await (v.script ? v.page.getByRole("dialog") : v.page).getByRole("button", { name: v.words.ok, exact: true }).click();
	await v.page.getByRole("link", { name: v.words.info }).click();
	return v.page.url();
}

// Through the questions and buttons that the page offers, as far as they are offered.
async function setting(v, admin, l) {
	await settings(admin);
	await inspect(admin, "maintenance-off");
	if (admin.script) {
		await admin.page.getByLabel(l.later).check();
		await button(admin, l.set).click();
		await admin.page.getByText(l.wrong).waitFor();
		await inspect(admin, "maintenance-wrong");
		await settings(admin);
	}
	await enter(admin);
	await button(admin, l.set).click();
	for (const lang of ["ja", "en"])
		assert.equal(await admin.page.locator(`p.pause[lang=${lang}]`).textContent(), messages[lang]);
	await inspect(admin, "maintenance-preview");
	await button(admin, l.edit).click();
	assert.equal(await admin.page.locator("#message-ja").inputValue(), messages.ja);
	await button(admin, l.set).click();
	await button(admin, l.set).click();
	await admin.page.getByText(l.done).waitFor();
	await inspect(admin, "maintenance-on");
}

async function paused(v, l, details) {
	await v.page.goto(base + "/");
	assert.equal(await banner(v).innerText(), messages[v.lang]);
	assert.ok(await button(v, v.words.apply).isDisabled());
	const reason = await button(v, v.words.apply).getAttribute("aria-describedby");
	assert.equal(await v.page.locator(`[id="${reason}"]`).innerText(), l.reason);
	await inspect(v, "maintenance-dashboard");
	await v.page.goto(details);
	await v.page.locator("#pin").waitFor();
	assert.ok(await v.page.locator("#revoke-button").isDisabled() && await v.page.locator("#renew-button").isDisabled());
	assert.ok(await v.page.locator("#memo button").isDisabled());
	await inspect(v, "maintenance-details");
	await v.page.goto(base + "/help");
	await banner(v).waitFor();
	const stranger = await visitor(browser, v.lang, v.size);
	await stranger.page.goto(base + "/");
	assert.equal(await banner(stranger).innerText(), messages[v.lang]);
	await inspect(stranger, "maintenance-landing");
	judge(stranger);
	await stranger.context.close();
}

async function disputed(admin, l) {
	const second = await admin.context.newPage(), first = admin.page;
	await second.goto(base + "/admin_maintenance");
	await settings(admin);
	await enter(admin, { ja: "最初の管理者", en: "The first one" });
	await button(admin, l.change).click();
	await button(admin, l.set).click();
	await admin.page.getByText(l.done).waitFor();
	admin.page = second;
	await enter(admin, { ja: "二人目の管理者", en: "The second one" });
	await button(admin, l.change).click();
	await button(admin, l.set).click();
	await admin.page.getByText(l.other).waitFor();
	await inspect(admin, "maintenance-conflict");
	await button(admin, l.insist).click();
	await admin.page.getByText(l.done).waitFor();
	await everywhere(admin, admin.lang === "ja" ? "二人目" : "second");
	await second.close();
	admin.page = first;
}

async function ending(v, admin, l) {
	await settings(admin);
	await admin.page.getByRole("link", { name: l.end }).click();
	await inspect(admin, "maintenance-end");
	await button(admin, l.end).click();
	await admin.page.getByText(l.ended).waitFor();
	await everywhere(v, "", false);
	await v.page.goto(base + "/");
	assert.ok(await button(v, v.words.apply).isEnabled());
}

const field = (when) => new Date(when + 9 * 3600e3).toISOString().slice(0, 16); // in Japan, wherever this runs

async function scheduled(v, admin, l) {
	await settings(admin);
	await admin.page.getByLabel(l.later).check();
	await admin.page.locator("#from").fill(field(Date.now() + 86400e3));
	await admin.page.locator("#until").fill(field(Date.now() + 2 * 86400e3));
	await enter(admin);
	await button(admin, l.set).click();
	await admin.page.getByText(l.ahead).waitFor();
	await inspect(admin, "maintenance-preview-ahead");
	await button(admin, l.set).click();
	await admin.page.getByText(l.done).waitFor();
	await inspect(admin, "maintenance-ahead");
	await everywhere(v, l.ahead);
	await v.page.goto(base + "/");
	assert.ok(await button(v, v.words.apply).isEnabled(), "it has not begun");
	await inspect(v, "maintenance-announced");
	await settings(admin);
	await admin.page.getByRole("link", { name: l.cancel }).click();
	await inspect(admin, "maintenance-cancel");
	await button(admin, l.cancel).click();
	await admin.page.getByText(l.ended).waitFor();
}

for (const [lang, size, options] of [["ja", "desktop"], ["en", "phone"], ["en", "desktop"], ["ja", "phone"], ["ja", "desktop", { javaScriptEnabled: false }]]) {
	test(`maintenance mode, ${lang}, ${size}${options ? ", without JavaScript" : ""}`, async () => {
		const l = labels[lang], v = await visitor(browser, lang, size, options ?? {});
		await login(v, "taro");
		const admin = await administrator(lang, size, options);
		try {
			await database("DELETE FROM maintenance");
			const details = await applied(v);
			while (!(await v.page.locator("#pin").count())) {
				await v.page.waitForTimeout(200);
				await v.page.goto(details);
			}
			// A question that was open before it began: its answer is refused, and says what is possible meanwhile.
			const open = await v.context.newPage();
			await open.goto(base + "/client/apply");
			await setting(v, admin, l);
			await everywhere(v, messages[lang].split("\n")[0]);
			await paused(v, l, details);
			const main = v.page;
			v.page = open;
			await button(v, v.words.ok).click();
			await v.page.getByText(l.refused).waitFor();
			await inspect(v, "maintenance-refused");
			await open.close();
			v.page = main;
			await disputed(admin, l);
			await ending(v, admin, l);
			await scheduled(v, admin, l);
			for (const each of [v, admin]) {
				each.complaints = each.complaints.filter((text) => !/status of 503/.test(text));
				judge(each);
			}
		} finally {
			await database("DELETE FROM maintenance");
			await v.context.close();
			await admin.context.close();
		}
	});
}
