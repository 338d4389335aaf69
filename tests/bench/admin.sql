-- A university of @people users with ten applications each, of five years: for measurements in a private database. The newest has the highest id.
SET @now = CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS INTEGER), @day = 86400000, @all = @people * 10, @span = 1825 * 86400000;
SET SESSION unique_checks = 0, foreign_key_checks = 0;
INSERT INTO user (id, eppn, idp, name, mail, lang, applications, created_at, seen_at, search)
	SELECT 1000000 + seq, @eppn := CONCAT('bench', LPAD(seq, 6, '0'), '@example.ac.jp'), 'https://idp.example.ac.jp/idp/shibboleth',
		@name := CONCAT(ELT(seq % 7 + 1, '佐藤', '鈴木', '高橋', '田中', '渡辺', '伊藤', '山本'), ' ',
			ELT(seq % 11 + 1, '太郎', '花子', '次郎', 'さくら', '健', '美咲', '翔', '陽子', '一郎', 'ジョン', 'メアリー'), ' ', seq),
		@mail := CONCAT(ELT(seq % 3 + 1, 'b', 'm', 'd'), LPAD(seq, 7, '0'), '@mail.example.ac.jp'), 'ja', 10, @now - @span + seq * 1000, @now - seq * 1000,
		CONCAT(@eppn, '\n', @name, '\n', @mail)
	FROM seq_1_to_100000 WHERE seq <= @people;
INSERT INTO application (id, user_id, number, state, type, upstream, profile, months, subject, live_until, renews, name, mail, extra, memo, created_at, changed_at,
		submitted_at, pin_at, download_until, taken_at, serial, fingerprint, not_before, not_after, revoked_at, error_code, error_field, error_text, upstream_id)
	SELECT seq, 1000000 + u, n, state, type, 'upstream_local', '5', months, CONCAT('CN=bench', LPAD(u, 6, '0'), '.', n, ',OU=Information Center,O=Example University,C=JP'),
		CASE state WHEN 'ERROR' THEN 0 WHEN 'REVOKED' THEN 0 WHEN 'SENT' THEN 9223372036854775807 WHEN 'PIN' THEN at + 28 * @day ELSE at + months * 30 * @day END,
		IF(seq % 10 = 3 AND seq > @people, seq - @people, 0), 'Bench User', CONCAT('m', LPAD(u, 7, '0'), '@mail.example.ac.jp'), '',
		IF(seq % 5 = 0, 'Notebook in the laboratory', ''), at, at, at, IF(state IN ('ERROR', 'SENT'), 0, at), IF(state IN ('ERROR', 'SENT'), 0, at + 28 * @day),
		IF(state IN ('ERROR', 'SENT', 'PIN'), 0, at), IF(state IN ('ERROR', 'SENT', 'PIN'), NULL, SHA1(seq)), IF(state IN ('ERROR', 'SENT', 'PIN'), NULL, SHA2(seq, 256)),
		IF(state IN ('ERROR', 'SENT', 'PIN'), 0, at), IF(state IN ('ERROR', 'SENT', 'PIN'), 0, at + months * 30 * @day), IF(state = 'REVOKED', at + @day, 0),
		IF(state = 'ERROR', '212', NULL), IF(state = 'ERROR', '主体者DN', NULL), IF(state = 'ERROR', '指定したDNはすでに存在しています。', NULL), 100000000 + seq
	FROM (SELECT seq, (seq - 1) % @people + 1 AS u, (seq - 1) DIV @people + 1 AS n, @now - @span + CAST(seq * (@span / @all) AS INTEGER) - 3600000 AS at,
			ELT(seq % 3 + 1, 52, 25, 13) AS months, IF(seq % 4 = 0, 'smime', 'client') AS type,
			CASE WHEN seq % 50 = 7 THEN 'ERROR' WHEN seq % 20 = 9 THEN 'REVOKED' WHEN seq % 100 = 11 THEN 'PIN' WHEN seq > @all - 200 AND seq % 2 = 0 THEN 'SENT'
				WHEN seq % 5000 = 1 THEN 'REVOKE_ERROR' ELSE 'TAKEN' END AS state
		FROM seq_1_to_1000000 WHERE seq <= @all) AS made;
ANALYZE TABLE user, application;
