-- The revocation list of each generation of the CA; its number only rises.
CREATE TABLE IF NOT EXISTS local_crl (
	generation  INT UNSIGNED NOT NULL,
	number      BIGINT UNSIGNED NOT NULL,
	this_update BIGINT NOT NULL,
	next_update BIGINT NOT NULL,
	der         MEDIUMBLOB NOT NULL,
	PRIMARY KEY (generation)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
