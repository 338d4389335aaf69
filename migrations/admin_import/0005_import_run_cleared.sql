-- Rows are staged as they come, a thousand in a transaction, without a table between. cleared: its rows are forgotten.
ALTER TABLE import_run DROP COLUMN IF EXISTS chunks, ADD COLUMN IF NOT EXISTS cleared TINYINT UNSIGNED NOT NULL DEFAULT 0
