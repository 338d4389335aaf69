-- When something that goes on without a person last succeeded, and last failed: a kind of job, orders to an upstream. Written by every process, each at most every few seconds a name.
CREATE TABLE IF NOT EXISTS health (
	name VARCHAR(96) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	succeeded_at BIGINT NOT NULL DEFAULT 0,
	failed_at BIGINT NOT NULL DEFAULT 0,
	why VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL DEFAULT '',
	PRIMARY KEY (name)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4
