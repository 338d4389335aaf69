-- How many rows of each kind a run has, counted while they are classified: the page shows them without reading the rows.
CREATE TABLE IF NOT EXISTS import_count (
	run_id BIGINT UNSIGNED NOT NULL,
	class  VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	known  TINYINT UNSIGNED NOT NULL,
	plan   VARCHAR(12) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	n      INT UNSIGNED NOT NULL,
	PRIMARY KEY (run_id, class, known, plan)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin
