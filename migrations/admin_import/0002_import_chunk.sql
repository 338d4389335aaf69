-- What came from the source, already without PINs, until it is staged: JSON arrays of rows. body holds nothing but the columns of import_row.
CREATE TABLE IF NOT EXISTS import_chunk (
	run_id BIGINT UNSIGNED NOT NULL,
	number INT UNSIGNED NOT NULL,
	body   MEDIUMTEXT NOT NULL,
	PRIMARY KEY (run_id, number)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin
