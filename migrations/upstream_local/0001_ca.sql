-- The CA itself. The unique generation lets only one of two first starts make it; key_sealed is PKCS #8 under the seal key.
CREATE TABLE IF NOT EXISTS local_ca (
	generation  INT UNSIGNED NOT NULL,
	key_sealed  VARBINARY(8192) NOT NULL,
	certificate VARBINARY(8192) NOT NULL, -- DER
	created_at  BIGINT NOT NULL,
	PRIMARY KEY (generation)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
