-- How far each mark has looked: deadlines up to (until, application_id) are done with, so that a run reads only what became due since.
CREATE TABLE IF NOT EXISTS reminder_mark (
	kind VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	days INT UNSIGNED NOT NULL,
	until BIGINT NOT NULL,
	application_id BIGINT UNSIGNED NOT NULL,
	PRIMARY KEY (kind, days)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4
