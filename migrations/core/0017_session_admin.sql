-- Digest of what the administrators' password proved in this session; NULL: it was not shown.
ALTER TABLE session ADD COLUMN IF NOT EXISTS admin BINARY(32) NULL
