-- Every certificate that was signed: at most one per application, whatever happens at its download.
CREATE TABLE IF NOT EXISTS local_certificate (
	serial      VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL, -- lower-case hexadecimal
	application BIGINT UNSIGNED NOT NULL,
	generation  INT UNSIGNED NOT NULL, -- of the CA that signed it
	subject     VARCHAR(250) NOT NULL,
	mail        VARCHAR(254) NOT NULL,
	der         VARBINARY(8192) NOT NULL,
	fingerprint CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	not_before  BIGINT NOT NULL,
	not_after   BIGINT NOT NULL,
	created_at  BIGINT NOT NULL,
	reported_at BIGINT NOT NULL DEFAULT 0, -- the core was told that it was taken
	revoked_at  BIGINT NOT NULL DEFAULT 0,
	reason      TINYINT NOT NULL DEFAULT 0, -- RFC 5280 5.3.1
	PRIMARY KEY (serial),
	UNIQUE KEY application (application),
	KEY reported_at (reported_at, created_at),
	KEY revoked (generation, revoked_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
