-- Failed attempts at a secret in a row, and until when no other is allowed.
CREATE TABLE IF NOT EXISTS attempt (
	purpose VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	subject BIGINT UNSIGNED NOT NULL,
	failures INT UNSIGNED NOT NULL,
	until BIGINT NOT NULL,
	PRIMARY KEY (purpose, subject),
	KEY until (until)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4
