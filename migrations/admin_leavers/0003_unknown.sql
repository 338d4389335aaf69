-- What stood in the list but is no user here.
CREATE TABLE IF NOT EXISTS leavers_unknown (
	run_id BIGINT UNSIGNED NOT NULL,
	line INT UNSIGNED NOT NULL,
	eppn VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
	PRIMARY KEY (run_id, line)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4
