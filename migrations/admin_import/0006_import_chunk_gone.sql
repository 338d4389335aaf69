-- See 0005.
DROP TABLE IF EXISTS import_chunk
