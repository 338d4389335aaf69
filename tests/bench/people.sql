-- Users who are logged in, for measurements in a private database: user N's cookie is N with 42 digits and the letter A.
-- User 1 has 50 applications of every kind of line: with and without memo and expiry date. Wants @people.
SET @now = CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS INTEGER), @hour = 3600000, @day = 86400000;
INSERT INTO user (id, eppn, idp, name, mail, lang, applications, created_at, seen_at)
	SELECT 1000000 + seq, CONCAT('bench', LPAD(seq, 6, '0'), '@example.ac.jp'), 'bench', CONCAT('Bench User ', seq),
		CONCAT('bench', LPAD(seq, 6, '0'), '@example.ac.jp'), 'en', IF(seq = 1, 50, 0), @now, @now
	FROM seq_1_to_100000 WHERE seq <= @people;
INSERT INTO session (digest, user_id, idp, created_at, seen_at)
	SELECT UNHEX(SHA2(CONCAT(LPAD(seq, 42, '0'), 'A'), 256)), 1000000 + seq, 'bench', @now, @now
	FROM seq_1_to_100000 WHERE seq <= @people;
INSERT INTO application (user_id, number, state, type, upstream, profile, months, subject, live_until, name, mail, extra, memo,
		created_at, changed_at, submitted_at, pin_at, download_until, taken_at, serial, fingerprint, not_before, not_after)
	SELECT 1000001, seq, 'TAKEN', 'client', 'upstream_local', '5', 52,
		CONCAT('CN=bench000001.', seq, ',OU=Inkan Demo,O=Example University,C=JP'), @now + 1000 * @day, 'Bench User 1',
		'bench000001@example.ac.jp', '', IF(seq % 5 = 0, 'Notebook in the laboratory', ''),
		@now - seq * @hour, @now - seq * @hour, @now - seq * @hour, @now - seq * @hour, @now + 28 * @day, @now - seq * @hour,
		SHA1(seq), SHA2(seq, 256), @now - seq * @hour, @now + 1000 * @day
	FROM seq_1_to_50;
-- The applicants look for their mails here; without an index that look would be what is measured.
ALTER TABLE demo_mail ADD KEY bench (recipient);
