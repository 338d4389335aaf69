-- Rows that nobody applied for here: imported ones may wait without an owner and his number under their mail address. import_key is the digest of what the upstream knows them by, so that none is imported twice.
ALTER TABLE application
	MODIFY user_id BIGINT UNSIGNED NULL,
	MODIFY number INT UNSIGNED NULL,
	ADD COLUMN IF NOT EXISTS import_key BINARY(32) NULL,
	ADD UNIQUE KEY IF NOT EXISTS import_key (import_key)
