-- All that was reported about an application. `moved`: it changed the state. detail holds no secret.
CREATE TABLE IF NOT EXISTS event (
	application_id BIGINT UNSIGNED NOT NULL,
	kind VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	source_key VARBINARY(100) NOT NULL,
	at BIGINT NOT NULL,
	recorded_at BIGINT NOT NULL,
	moved TINYINT UNSIGNED NOT NULL,
	detail VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL DEFAULT '',
	PRIMARY KEY (application_id, kind, source_key)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4
