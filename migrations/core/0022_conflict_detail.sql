-- What a report that could not be applied said (no secret): of a deleted application nothing else is left.
ALTER TABLE conflict ADD COLUMN IF NOT EXISTS detail VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL DEFAULT ''
