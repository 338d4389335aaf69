// Users and certificates as an administrator meets them: both languages, both widths, and without JavaScript.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { base, database, inspect, judge, launch, login, visitor } from "./browser.mjs";

const texts = {
	ja: {
		users: "利用者一覧", user: "利用者の詳細", list: "証明書一覧", details: "証明書の詳細", error: "申請エラーの詳細", menu: "管理者インタフェイス",
		search: "検索", revoke: "失効申請", remove: "レコード削除", removed: "証明書のレコード削除を行いました。",
		retry: "再実行", nothing: "該当するものはありません。", unknown: "所有者未確認", next: "次ページ", save: "応答をテキストファイルで保存",
		cannot: "失効できません", certificates: "証明書", detach: "所有者を外す", undo: "再割り当てを許可", give: "所有者を割り当てる", further: "次へ", will: "割り当てる所有者", giveTo: "この所有者に割り当てる",
	},
	en: {
		users: "List of users", user: "User details", list: "List of certificates", details: "Certificate details", error: "Error details", menu: "Administrator interface",
		search: "Search", revoke: "Revoke", remove: "Delete the record", removed: "The record of the certificate was deleted.",
		retry: "Start again", nothing: "There is nothing to show here.", unknown: "Owner not known yet", next: "Next page",
		save: "Save the answer as a text file", cannot: "cannot be revoked", certificates: "Certificates", detach: "Take from the owner", undo: "Allow giving it back", give: "Give to an owner", further: "Next", will: "The owner will be", giveTo: "Give to this owner",
	},
};
let browser;

before(async () => { browser = await launch(); });
after(async () => { await browser.close(); });

const heading = (v, name) => v.page.getByRole("heading", { level: 1, name }).waitFor();

// What the university has already: applications of hanako in every kind of state, and many users.
async function fill(id) {
	const now = Date.now(), day = 24 * 3600 * 1000;
	await database(`INSERT IGNORE INTO user (id, eppn, idp, name, mail, lang, applications, created_at, seen_at, search) VALUES
		(${id}, 'ichiro${id}@example.ac.jp', 'https://idp.example.ac.jp/idp/shibboleth', 'Ichiro Daigaku', 'ichiro${id}@mail.example.ac.jp', 'ja', 9, ${now}, ${now},
			'ichiro${id}@example.ac.jp\\nichiro daigaku\\nichiro${id}@mail.example.ac.jp')`);
	await database(`INSERT IGNORE INTO user (eppn, idp, name, mail, lang, created_at, seen_at, search)
		SELECT CONCAT('many', ${id}, 'x', seq, '@example.ac.jp'), '', CONCAT('Many ', seq), '', 'ja', ${now}, ${now}, CONCAT('many${id}x', seq, '@example.ac.jp\\nmany ', seq, '\\n') FROM seq_1_to_25`);
	const row = (number, state, more) => `(${id} * 100 + ${number}, ${more.owner === null ? "NULL, NULL" : `${id}, ${number}`}, '${state}', '${more.type ?? "client"}', 'upstream_local', '5', 52,
		'CN=ichiro${id}.${number},OU=Inkan Demo,O=Example University,C=JP', ${more.live ?? 0}, 'Ichiro Daigaku', 'ichiro${id}@mail.example.ac.jp', '', '${more.memo ?? ""}',
		${now - (100 - number) * day}, ${now}, ${more.taken ? now - day : 0}, ${more.serial ? `'${more.serial}'` : "NULL"}, ${more.serial ? `'${"ab".repeat(32)}'` : "NULL"},
		${more.end ?? 0}, ${more.reason ?? 0}, ${state === "REVOKED" ? now : 0}, ${more.code ? `'${more.code}', '主体者DN', '指定したDNはすでに存在しています。 <b>raw</b>'` : "NULL, NULL, NULL"}, ${more.upstream ?? "NULL"})`;
	await database(`INSERT INTO application (id, user_id, number, state, type, upstream, profile, months, subject, live_until, name, mail, extra, memo, created_at, changed_at, taken_at,
		serial, fingerprint, not_after, reason, revoked_at, error_code, error_field, error_text, upstream_id) VALUES ${[
		row(1, "ERROR", { code: "212" }), row(2, "ERROR", { code: "gave-up" }),
		row(3, "TAKEN", { taken: true, serial: `1f2e3d4c5b6a${id}`, live: now + 900 * day, end: now + 900 * day, memo: "研究室のノート PC", upstream: "'10045'" }),
		row(4, "TAKEN", { taken: true, serial: `2f2e3d4c5b6a${id}`, live: now - 9 * day, end: now - 9 * day }),
		row(5, "REVOKED", { taken: true, serial: `3f2e3d4c5b6a${id}`, end: now + 900 * day, reason: 5 }),
		row(6, "REVOKE_ERROR", { taken: true, serial: `4f2e3d4c5b6a${id}`, live: now + 90 * day, end: now + 90 * day, code: "205" }),
		row(7, "TAKEN", { taken: true, serial: `5f2e3d4c5b6a${id}`, live: now + 90 * day, end: now + 90 * day, owner: null, type: "smime" }),
		row(8, "ERROR", { code: "371" }),
	].join(",")}`);
}

async function users(v, id) {
	const { page } = v, t = texts[v.lang];
	await page.goto(base + "/admin");
	await heading(v, t.users);
	await inspect(v, "admin-users");
	await page.getByRole("link", { name: t.next }).click();
	await page.waitForURL(/below=/);
	await page.getByRole("searchbox").fill(`ＩＣＨＩＲＯ${id} daigaku`); // full width, capitals, two words
	await page.getByRole("button", { name: t.search, exact: true }).click();
	await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 1);
	await inspect(v, "admin-users-found");
	await page.getByRole("searchbox").fill(`%${id}_`);
	await page.getByRole("button", { name: t.search, exact: true }).click();
	await page.getByText(t.nothing).waitFor();
	await inspect(v, "admin-users-none");
	await page.goBack();
	await page.locator("a.number").click();
	await heading(v, t.user);
	await inspect(v, "admin-user");
}

async function errors(v, id) {
	const { page } = v, t = texts[v.lang];
	await page.goto(`${base}/admin_users/user/${id}`);
	assert.equal(await page.getByRole("link", { name: /^ERROR/ }).count(), 4);
	await page.getByRole("link", { name: /^ERROR/ }).last().click(); // the oldest: 212
	await heading(v, t.error);
	await inspect(v, "admin-error");
	assert.equal(await page.locator("main b").count(), 0, "the raw message is text");
	const download = page.waitForEvent("download");
	await page.getByRole("link", { name: t.save }).click();
	const file = readFileSync(await (await download).path(), "utf8");
	assert.match(file, /<b>raw<\/b>/);
	await page.getByRole("button", { name: t.remove }).click();
	await inspect(v, "admin-delete");
	await page.locator("#delete-note").fill("試験");
	await page.getByRole("checkbox").check();
	await page.getByRole("button", { name: "OK", exact: true }).click();
	await page.getByText(t.removed).waitFor();
	await inspect(v, "admin-deleted");
	assert.equal(Number(await database(`SELECT COUNT(*) FROM application WHERE id = ${id * 100 + 1}`)), 0);
	await page.goto(`${base}/admin_users/certificates/${id * 100 + 2}`);
	await heading(v, t.details);
	await inspect(v, "admin-certificate-error");
	await page.getByRole("button", { name: t.retry }).click();
	await inspect(v, "admin-retry");
	await page.getByRole("button", { name: "OK", exact: true }).click();
	await heading(v, t.details);
	assert.notEqual((await database(`SELECT state FROM application WHERE id = ${id * 100 + 2}`)).trim(), "ERROR");
	await page.goto(`${base}/admin_users/certificates/${id * 100 + 6}/error`);
	await inspect(v, "admin-error-revocation");
}

async function certificates(v, id) {
	const { page } = v, t = texts[v.lang];
	await page.getByRole("navigation", { name: t.menu }).getByRole("link", { name: t.certificates }).click();
	await heading(v, t.list);
	await inspect(v, "admin-certificates");
	await page.locator("#find-serial").fill(`1F:2E:3D:4C:5B:6A:${id}`);
	await page.getByRole("button", { name: t.search, exact: true }).click();
	await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 1);
	await page.locator("#find-serial").fill("xyz");
	await page.getByRole("button", { name: t.search, exact: true }).click();
	await page.getByRole("alert").waitFor();
	await inspect(v, "admin-certificates-wrong");
	await page.goto(`${base}/admin_users/certificates?cn=ICHIRO${id}&certificate=valid`);
	await page.getByText(t.unknown).waitFor();
	assert.equal(await page.locator("tbody tr").count(), 3);
	await inspect(v, "admin-certificates-found");
	await page.goto(`${base}/admin_users/certificates/${id * 100 + 7}`);
	await inspect(v, "admin-certificate-no-owner");
}

async function revocation(v, id) {
	const { page } = v, t = texts[v.lang];
	await page.goto(`${base}/admin_users/certificates/${id * 100 + 3}`);
	await heading(v, t.details);
	await inspect(v, "admin-certificate");
	await page.getByRole("button", { name: t.revoke }).click();
	await inspect(v, "admin-revoke");
	await page.locator("#revoke-reason").selectOption("5");
	await page.locator("#revoke-note").fill("退職");
	await page.getByRole("checkbox").check();
	await page.getByRole("button", { name: "OK", exact: true }).click();
	await page.waitForURL(/done=revoke$/);
	await heading(v, t.details); // the CA refuses in a moment: it never issued this one
	await inspect(v, "admin-revoked");
	assert.equal(Number(await database(`SELECT COUNT(*) FROM audit WHERE action = 'admin.revoked' AND object = 'application:${id * 100 + 3}' AND detail = 'reason 5 note 退職'`)), 1);
	await page.goto(`${base}/admin_users/certificates/${id * 100 + 5}/revoke`);
	await page.getByText(t.cannot).first().waitFor();
	await inspect(v, "admin-refused");
}

async function detachment(v, id) {
	const { page } = v, t = texts[v.lang], path = `${base}/admin_users/certificates/${id * 100 + 4}`;
	await page.goto(path);
	await heading(v, t.details);
	assert.equal(await page.getByRole("button", { name: t.detach }).count(), 0, "it was applied for here");
	await database(`UPDATE application SET import_key = UNHEX(SHA2('${id}', 256)) WHERE id = ${id * 100 + 4}`);
	await page.reload();
	await page.getByRole("button", { name: t.detach }).click();
	await inspect(v, "admin-detach");
	await page.locator("#detach-note").fill("別人");
	await page.getByRole("button", { name: t.detach, exact: true }).click();
	await page.waitForURL(/done=detach$/);
	await page.locator("dd", { hasText: t.unknown }).waitFor();
	await inspect(v, "admin-detached");
	assert.equal(Number(await database(`SELECT COUNT(*) FROM audit WHERE action = 'admin.detached' AND detail = 'user:${id} number 4 note 別人'`)), 1);
	await page.getByRole("button", { name: t.undo }).click();
	await page.waitForURL(/done=undo$/);
	await inspect(v, "admin-detach-undone");
	assert.equal(await page.getByRole("button", { name: t.undo }).count(), 0);
	await page.getByRole("button", { name: t.give }).click();
	await page.locator("#give-eppn").fill("nobody@example.ac.jp");
	await page.getByRole("button", { name: t.further, exact: true }).click();
	await page.getByRole("alert").waitFor();
	await inspect(v, "admin-give-unknown");
	await page.locator("#give-eppn").fill("ADMIN@example.ac.jp");
	await page.getByRole("button", { name: t.further, exact: true }).click();
	await page.getByRole("heading", { name: t.will }).waitFor();
	await inspect(v, "admin-give");
	await page.getByRole("button", { name: t.giveTo }).click();
	await page.waitForURL(/done=give$/);
	await page.getByRole("link", { name: "admin@example.ac.jp" }).waitFor();
	await inspect(v, "admin-given");
}

let next = 0;
for (const [lang, size, script] of [["ja", "desktop", true], ["en", "desktop", true], ["ja", "phone", true], ["en", "phone", true], ["ja", "phone", false]])
	test(`administrator, ${lang}, ${size}${script ? "" : ", without JavaScript"}`, async () => {
		const id = next += 1000; // apart, because what is filled in draws the numbers behind it
		await fill(id);
		const v = await visitor(browser, lang, size, { javaScriptEnabled: script, httpCredentials: { username: "kanri", password: process.env.STACK_BASIC, origin: base } });
		await login(v, "admin");
		await users(v, id);
		await errors(v, id);
		await certificates(v, id);
		await revocation(v, id);
		await detachment(v, id);
		await v.context.close();
		judge(v);
	});
