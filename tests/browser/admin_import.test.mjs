// The bulk import as an administrator meets it: both languages, both widths, with and without JavaScript.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { base, database, inspect, judge, launch, login, visitor } from "./browser.mjs";

const texts = {
	ja: {
		title: "一括インポート", upload: "ファイルをアップロード", register: "DB登録を実行して終了", discard: "取得情報を破棄して終了", list: "一覧表示",
		box: /^DB登録する/, ok: "OK", done: "インポートが完了しました", imported: (n) => `${n}件の証明書がインポートされました。`, issued: "発行済み",
		discarded: "取得情報を破棄しました。", refresh: "画面更新", caution: "【注意】取得した証明書をDBへ登録します。取り消しはできません。よろしいですか？",
		fetch: "一括インポート", none: "何も選択されていません。", owner: "登録します。このメールアドレスの利用者がログインしたときに",
	},
	en: {
		title: "Bulk import", upload: "Upload the file", register: "Register in the database and finish", discard: "Discard what was fetched and finish",
		list: "Show the list", box: /^Register in the database/, ok: "OK", done: "The import is finished",
		imported: (n) => `${n} certificates were imported.`, issued: "Issued", discarded: "What was fetched has been discarded.", refresh: "Refresh the page",
		caution: "This cannot be undone. Do you want to go on?", fetch: "Bulk import", none: "Nothing was chosen.",
		owner: "given to the user who logs in with this mail address",
	},
};
let browser, series = 0;

before(async () => { browser = await launch(); });
after(async () => { await browser.close(); });

const header = ["発行・更新申請-申請ID", "b", "c", "主体者DN", "e", "発行・更新申請-日時", "g", "h", "i", "j", "証明書プロファイルID", "状態", "m", "n",
	"利用者メールアドレス", "p", "q", "r", "s", "t", "u", "v", "w", "発行・更新申請-シリアル番号", "y", "発行・更新申請-証明書有効開始",
	"発行・更新申請-証明書有効期限", "証明書取得URL有効期限", "アクセスPIN"];

function line(id, state, serial, mail = "") {
	const cells = header.map(() => "");
	cells[0] = id;
	cells[3] = `CN=${id},OU=Information Center,O=Example University,L=Kyoto,C=JP`;
	cells[5] = "2025/04/01 09:30:00";
	cells[10] = "5";
	cells[11] = state;
	cells[14] = mail;
	cells[23] = serial;
	cells[25] = "2025/04/02 00:00:00";
	cells[26] = "2029/04/02 23:59:59";
	cells[27] = "2029/05/01 00:00:00";
	cells[28] = "TOPSECRETPIN";
	return cells.join("\t");
}

function list() {
	const n = ++series, rows = [header.join("\t")];
	for (let i = 0; i < 24; i++)
		rows.push(line(`u${n}-${i}`, "5", String(n * 1000000 + 7000 + i), i === 0 ? `import${n}@example.ac.jp` : ""));
	rows.push(line(`w${n}`, "4", ""), line(`n${n}`, "6", String(n * 1000000 + 8000)), line(`r${n}`, "7", String(n * 1000000 + 8001)),
		line(`p${n}`, "0", ""), line(`e${n}`, "-2", ""), line(`x${n}`, "5", "not a number"), "only\ttwo");
	return Buffer.from("\ufeff" + rows.join("\r\n") + "\r\n");
}

async function enter(v) {
	await database("UPDATE import_run SET open_slot = NULL, phase = 'DISCARDED' WHERE open_slot = 1"); // of a test that failed
	await login(v, "admin");
	await v.page.goto(base + "/admin_import");
	await v.page.getByRole("heading", { level: 1, name: texts[v.lang].title, exact: true }).waitFor();
}

async function upload(v) {
	await v.page.locator("input[type=file]").setInputFiles({ name: "clientAll.tsv", mimeType: "text/tab-separated-values", buffer: list() });
	await v.page.getByRole("button", { name: texts[v.lang].upload }).click();
	await v.page.waitForURL(/\/admin_import\/\d+$/);
}

// With JavaScript the page changes by itself; without it a person loads it again.
async function shown(v, locator) {
	for (let i = 0; i < 60 && !(await locator.count()); i++) {
		await new Promise((wake) => setTimeout(wake, 250));
		if (!v.script)
			await v.page.reload();
	}
	await locator.first().waitFor();
}

async function whole(v) {
	const { page } = v, t = texts[v.lang];
	await enter(v);
	await inspect(v, "import-start");
	await upload(v);
	await shown(v, page.getByRole("button", { name: t.register }));
	await inspect(v, "import-result");
	const html = await page.content();
	assert.ok(!html.includes("TOPSECRETPIN"));
	const run = page.url();
	await page.getByRole("button", { name: t.register }).click();
	await page.getByRole("alert").filter({ hasText: t.none }).waitFor();
	await page.locator('a[href$="/rows/issued"]').filter({ hasText: t.list }).click();
	await page.getByText(t.owner).first().waitFor();
	await inspect(v, "import-list");
	assert.equal(await page.locator("tbody tr").count(), 20);
	await page.locator("nav.pages a").last().click();
	assert.equal(await page.locator("tbody tr").count(), 4);
	await page.goto(run + "/rows/error");
	await inspect(v, "import-errors");
	assert.equal(await page.locator("tbody tr").count(), 3);
	await page.goto(run);
	const [download] = await Promise.all([page.waitForEvent("download"), page.locator(`a[href$="/errors"]`).first().click()]);
	const file = await (await download.createReadStream()).toArray();
	assert.equal(Buffer.concat(file).toString("utf8").trim().split("\r\n").length, 4);
	await page.locator("#box-issued_new").check();
	await page.locator("#box-revoked_new").check();
	await page.getByRole("button", { name: t.register }).click();
	await page.getByText(t.caution).waitFor();
	await inspect(v, "import-confirm");
	const before = Number(await database("SELECT COUNT(*) FROM application"));
	await page.getByRole("button", { name: t.ok, exact: true }).click();
	await shown(v, page.getByText(t.done));
	await page.getByText(t.imported(25)).waitFor();
	await inspect(v, "import-done");
	assert.equal(Number(await database("SELECT COUNT(*) FROM application")), before + 25);
	await page.goto(base + "/admin_import");
	await inspect(v, "import-past");
	// Another one, thrown away; and one that the portal's own CA is asked for.
	await upload(v);
	await shown(v, page.getByRole("link", { name: t.discard }));
	await page.getByRole("link", { name: t.discard }).click();
	await inspect(v, "import-discard");
	await page.getByRole("button", { name: "OK" }).click();
	await page.getByRole("status").filter({ hasText: t.discarded }).waitFor();
	assert.equal(Number(await database("SELECT COUNT(*) FROM application")), before + 25);
	await page.getByRole("button", { name: t.fetch, exact: true }).click();
	await page.waitForURL(/\/admin_import\/\d+$/);
	await shown(v, page.locator("#import .notice"));
	await inspect(v, "import-fetched");
	if (await page.getByRole("link", { name: t.discard }).count()) {
		await page.getByRole("link", { name: t.discard }).click();
		await page.getByRole("button", { name: "OK" }).click();
		await page.getByRole("status").filter({ hasText: t.discarded }).waitFor();
	}
	judge(v);
}

for (const lang of ["ja", "en"]) {
	for (const size of ["desktop", "phone"]) {
		test(`import, ${lang}, ${size}`, async () => {
			const v = await visitor(browser, lang, size, { httpCredentials: { username: "kanri", password: process.env.STACK_BASIC } });
			await whole(v);
			await v.context.close();
		});
	}
}

test("import without JavaScript", async () => {
	const v = await visitor(browser, "ja", "desktop",
		{ javaScriptEnabled: false, httpCredentials: { username: "kanri", password: process.env.STACK_BASIC } });
	await whole(v);
	await v.context.close();
});

test("progress moves by itself", async () => {
	const v = await visitor(browser, "ja", "desktop", { httpCredentials: { username: "kanri", password: process.env.STACK_BASIC } });
	const { page } = v;
	await enter(v);
	await database(`INSERT INTO import_run (open_slot, phase, source, upstream, file, owner, total, last_row, created_at, changed_at)
		VALUES (1, 'CLASSIFYING', 'file', 'upstream_local', 'held.tsv', 'x', 10000, 10000, 0, UNIX_TIMESTAMP() * 1000)`);
	const id = Number(await database("SELECT id FROM import_run WHERE open_slot = 1"));
	await database(`INSERT INTO import_part (run_id, number, parts, position, last_row) VALUES (${id}, 0, 1, 4000, 5000), (${id}, 0, 1, 5000, 10000)`);
	await page.goto(`${base}/admin_import/${id}`);
	assert.equal(await page.locator("progress").getAttribute("value"), "40");
	await inspect(v, "import-progress");
	await database(`UPDATE import_part SET position = 8000 WHERE run_id = ${id} AND last_row = 10000`);
	await page.locator("progress[value='70']").waitFor();
	await database(`UPDATE import_run SET phase = 'DISCARDED', open_slot = NULL, steps = steps + 1 WHERE id = ${id}`);
	await page.locator("#import .notice").waitFor();
	judge(v);
	await v.context.close();
});
