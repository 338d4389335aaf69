-- See 0008.
ALTER TABLE import_run DROP COLUMN IF EXISTS position
