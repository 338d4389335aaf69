-- A bulk import from its start to its end. open_slot is 1 while it is under way and NULL afterwards: there is at most one at a time. steps is raised by every transaction on it, first of all, so that they take turns on any host.
CREATE TABLE IF NOT EXISTS import_run (
	id          BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
	open_slot   TINYINT UNSIGNED NULL,
	phase       VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	source      VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	upstream    VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	file        VARCHAR(255) NOT NULL DEFAULT '',
	owner       VARCHAR(255) NOT NULL, -- ePPN of the administrator
	steps       BIGINT UNSIGNED NOT NULL DEFAULT 0,
	chunks      INT UNSIGNED NOT NULL DEFAULT 0,
	total       INT UNSIGNED NOT NULL DEFAULT 0, -- rows
	last_row    INT UNSIGNED NOT NULL DEFAULT 0, -- number of the last one; blank lines have numbers too
	position    INT UNSIGNED NOT NULL DEFAULT 0, -- chunks or rows that the phase is done with
	selected    INT UNSIGNED NOT NULL DEFAULT 0, -- ticked cells
	made        INT UNSIGNED NOT NULL DEFAULT 0, -- applications
	moved       INT UNSIGNED NOT NULL DEFAULT 0, -- known applications that were brought up to date
	left_out    INT UNSIGNED NOT NULL DEFAULT 0, -- rows that could not be applied
	why         VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
	created_at  BIGINT NOT NULL,
	changed_at  BIGINT NOT NULL,
	finished_at BIGINT NOT NULL DEFAULT 0,
	PRIMARY KEY (id),
	UNIQUE KEY open_slot (open_slot),
	KEY phase (phase, changed_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin
