-- One row per application that this CA was asked to serve; everything that is secret in it is wiped once it is taken or over.
CREATE TABLE IF NOT EXISTS local_order (
	application    BIGINT UNSIGNED NOT NULL,
	type           VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	number         INT UNSIGNED NOT NULL,
	subject        VARCHAR(250) NOT NULL,
	mail           VARCHAR(254) NOT NULL, -- of the subjectAltName; '' for none
	upn            VARCHAR(254) NOT NULL,
	months         INT NOT NULL,
	created_at     BIGINT NOT NULL,
	changed        BIGINT UNSIGNED NOT NULL DEFAULT 0, -- raised first by every transaction on the row: what makes them take turns
	ready_at       BIGINT NOT NULL DEFAULT 0, -- key, PIN and token are there
	download_until BIGINT NOT NULL DEFAULT 0,
	token_digest   BINARY(32) NULL, -- SHA-256 of the token in the address
	key_sealed     VARBINARY(8192) NULL,
	pin_sealed     VARBINARY(512) NULL,
	pin_failures   INT UNSIGNED NOT NULL DEFAULT 0,
	pin_wait_until BIGINT NOT NULL DEFAULT 0,
	unlock_digest  BINARY(32) NULL, -- SHA-256 of the cookie of the browser that gave the PIN last
	unlock_until   BIGINT NOT NULL DEFAULT 0,
	taken_at       BIGINT NOT NULL DEFAULT 0, -- a whole reply was handed over
	taken_digest   BINARY(32) NULL, -- SHA-256 of the cookie of the browser that took it
	repeat_until   BIGINT NOT NULL DEFAULT 0,
	p12_format     VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
	p12_sealed     MEDIUMBLOB NULL,
	wiped_at       BIGINT NOT NULL DEFAULT 0,
	PRIMARY KEY (application),
	UNIQUE KEY token_digest (token_digest),
	KEY wiped_at (wiped_at, download_until)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
