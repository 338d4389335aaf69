-- The user whom an administrator took this imported certificate from (0: nobody): it is not given to the same one again.
ALTER TABLE application ADD COLUMN IF NOT EXISTS detached_from BIGINT UNSIGNED NOT NULL DEFAULT 0
