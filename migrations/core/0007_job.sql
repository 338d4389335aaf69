-- Effects on the outside world that are still to be had. due_at: when the row may be claimed next: its time to run, or while somebody runs it the end of his lease.
CREATE TABLE IF NOT EXISTS job (
	id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
	kind VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	state VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	subject BIGINT UNSIGNED NOT NULL,
	payload VARCHAR(2000) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
	unique_key VARBINARY(255) NULL,
	due_at BIGINT NOT NULL,
	owner VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL DEFAULT '',
	lease_until BIGINT NOT NULL DEFAULT 0,
	attempts INT UNSIGNED NOT NULL DEFAULT 0,
	why VARCHAR(1000) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL DEFAULT '',
	created_at BIGINT NOT NULL,
	PRIMARY KEY (id),
	UNIQUE KEY unique_key (unique_key),
	KEY due (kind, state, due_at),
	KEY state (state, id),
	KEY subject (subject)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4
