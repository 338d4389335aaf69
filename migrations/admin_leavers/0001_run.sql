-- Revocations for people who have left. state: draft (found, nothing decided), waiting (decided, until run_at), running, done, cancelled.
CREATE TABLE IF NOT EXISTS leavers_run (
	id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
	state VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	made_by VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
	made_at BIGINT NOT NULL,
	how VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
	duplicates INT UNSIGNED NOT NULL DEFAULT 0,
	reason TINYINT NOT NULL DEFAULT 0,
	run_at BIGINT NOT NULL DEFAULT 0,
	started_at BIGINT NOT NULL DEFAULT 0,
	ended_at BIGINT NOT NULL DEFAULT 0,
	ended_by VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL DEFAULT '',
	PRIMARY KEY (id),
	KEY state (state, run_at)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4
