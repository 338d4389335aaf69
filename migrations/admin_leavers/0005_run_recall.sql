-- turn: counts what must not happen at the same time as beginning or cancelling the run. recall: 1 while people may have to be told that nothing is revoked.
ALTER TABLE leavers_run
	ADD COLUMN IF NOT EXISTS turn INT UNSIGNED NOT NULL DEFAULT 0,
	ADD COLUMN IF NOT EXISTS recall TINYINT UNSIGNED NOT NULL DEFAULT 0
