// How everything is, in a real browser: the page, failed jobs, and events that could not be applied.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { base, database, inspect, judge, launch, login, visitor } from "./browser.mjs";

let browser;
before(async () => { browser = await launch(); });
after(async () => { await browser.close(); });

const labels = {
	ja: {
		title: "稼働状況", menu: "管理者インタフェイス", failed: "失敗したジョブ", again: "再実行する", discard: "破棄する", restarted: "ジョブを再実行しました。", discarded: "ジョブを破棄しました。",
		none: "失敗したジョブはありません。", events: "適用できなかった通知", check: "確認済みにする", checked: "確認済みにしました。", list: "通知の一覧", jobs: "失敗したジョブの一覧",
		ca: "認証局（CA）の証明書", tls: "このウェブサイトの証明書（TLS）", saml: "このサイトの証明書（SAML）", idp: "IdPの証明書",
	},
	en: {
		title: "System health", menu: "Administrator interface", failed: "Failed jobs", again: "Try again", discard: "Discard", restarted: "The job was started again.", discarded: "The job was discarded.",
		none: "No job has failed.", events: "Events that could not be applied", check: "Mark as checked", checked: "The event is marked as checked.", list: "List of events", jobs: "List of failed jobs",
		ca: "CA certificate", tls: "Certificate of this web site (TLS)", saml: "Certificate of this service provider (SAML)", idp: "Certificate of an identity provider",
	},
};

async function heading(v, name) {
	await v.page.getByRole("heading", { level: 1, name }).waitFor();
}

for (const [lang, size, options] of [["ja", "desktop"], ["en", "phone"], ["en", "desktop"], ["ja", "phone"], ["en", "desktop", { javaScriptEnabled: false }]]) {
	test(`health, ${lang}, ${size}${options ? ", without JavaScript" : ""}`, async () => {
		const l = labels[lang];
		const v = await visitor(browser, lang, size, { httpCredentials: { username: "kanri", password: process.env.STACK_BASIC, origin: base }, ...options });
		await login(v, "admin");
		try {
			await database("DELETE FROM job WHERE state = 'failed'; DELETE FROM conflict; UPDATE health SET failed_at = 0, why = ''");
			await v.page.goto(base + "/admin_health");
			await heading(v, l.title);
			for (const what of [l.ca, l.tls, l.saml, l.idp])
				assert.ok(await v.page.getByRole("rowheader", { name: what }).count() > 0, what);
			await inspect(v, "health-well");
			const now = Date.now();
			await database(`INSERT INTO job (kind, state, subject, payload, due_at, attempts, why, created_at) VALUES
				('core.mail', 'failed', 17, 'issued', 0, 12, 'BUSY: smtp://mail.example.ac.jp: connection refused', ${now}),
				('core.handover_revoked', 'failed', 18, '', 0, 340, 'UPSTREAM: the card server answered err:17 <script>', ${now});
				INSERT INTO conflict (application_id, kind, state, source_key, at, detail) VALUES (17, 'TAKEN', 'DELETED', 'notice:8f3c', ${now}, 'serial 0a1b2c3d4e5f60718293a4b5c6d7e8f901234567');
				INSERT INTO health (name, failed_at, why) VALUES ('core.mail', ${now}, 'BUSY: smtp://mail.example.ac.jp: connection refused')
				ON DUPLICATE KEY UPDATE failed_at = VALUES(failed_at), why = VALUES(why)`);
			await v.page.goto(base + "/admin_health");
			await inspect(v, "health-attention");
			await v.page.getByRole("link", { name: l.jobs }).click();
			await heading(v, l.failed);
			await inspect(v, "health-jobs");
			await v.page.getByRole("link", { name: l.discard }).first().click();
			await inspect(v, "health-discard");
			await v.page.getByRole("button", { name: l.discard, exact: true }).click();
			await v.page.getByText(l.discarded).waitFor();
			await v.page.getByRole("button", { name: l.again }).click();
			await v.page.getByText(l.restarted).waitFor();
			await v.page.getByText(l.none).waitFor();
			await inspect(v, "health-jobs-none");
			await v.page.goto(base + "/admin_health");
			await v.page.getByRole("link", { name: l.list }).click();
			await heading(v, l.events);
			await inspect(v, "health-events");
			await v.page.locator("a.number").click();
			await inspect(v, "health-event");
			await v.page.getByRole("button", { name: l.check, exact: true }).click();
			await v.page.getByText(l.checked).waitFor();
			await inspect(v, "health-events-none");
			judge(v);
		} finally {
			await database("DELETE FROM job WHERE state = 'failed'; DELETE FROM conflict");
			await v.context.close();
		}
	});
}
