-- Counts that the job admin_statistics.count keeps. month: year × 12 + month from 0, 0 for what is so now; kinds are those of admin_statistics_store.h; type "" for all.
CREATE TABLE IF NOT EXISTS statistics (
	month INT UNSIGNED NOT NULL,
	kind VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	type VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	n BIGINT NOT NULL,
	PRIMARY KEY (month, kind, type)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4
