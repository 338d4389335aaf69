-- What the steps write into rows has a width of its own, so that no row grows in a full page.
ALTER TABLE import_row
	MODIFY plan   CHAR(12) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
	MODIFY why    CHAR(24) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
	MODIFY result CHAR(12) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
	ALTER COLUMN user_id SET DEFAULT 0
