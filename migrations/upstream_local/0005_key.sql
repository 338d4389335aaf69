-- The stock of keys made ahead. Whoever deletes a row has its key.
CREATE TABLE IF NOT EXISTS local_key (
	id         CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	kind       VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	key_sealed VARBINARY(8192) NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (id),
	KEY kind (kind)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
