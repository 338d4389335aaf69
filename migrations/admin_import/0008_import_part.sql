-- The work on a run's rows in its present phase, in parts side by side: each has a job of its own, and is gone when it is done. Rows behind position up to last_row, and of these those whose mail address falls to number (of parts): so no two parts wait for one owner's row. steps is raised first of all by every transaction on a part, so that they take turns on any host. A run's counts have those of its parts when they are done. import_run.position is of versions before, and no longer used.
CREATE TABLE IF NOT EXISTS import_part (
	id       BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
	run_id   BIGINT UNSIGNED NOT NULL,
	steps    BIGINT UNSIGNED NOT NULL DEFAULT 0,
	number   TINYINT UNSIGNED NOT NULL,
	parts    TINYINT UNSIGNED NOT NULL,
	position INT UNSIGNED NOT NULL,
	last_row INT UNSIGNED NOT NULL,
	made     INT UNSIGNED NOT NULL DEFAULT 0,
	moved    INT UNSIGNED NOT NULL DEFAULT 0,
	left_out INT UNSIGNED NOT NULL DEFAULT 0,
	PRIMARY KEY (id),
	KEY run_id (run_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin
