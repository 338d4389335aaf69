-- Reports that cannot be true in the state the application was in: for administrators. closed_at: when one of them was done with it.
CREATE TABLE IF NOT EXISTS conflict (
	id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
	application_id BIGINT UNSIGNED NOT NULL,
	kind VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	state VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	source_key VARBINARY(100) NOT NULL,
	at BIGINT NOT NULL,
	closed_at BIGINT NOT NULL DEFAULT 0,
	PRIMARY KEY (id),
	UNIQUE KEY report (application_id, kind, state, source_key),
	KEY open (closed_at, id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4
