-- What may be used only once, by the digest of its value, kept until that can no longer matter.
CREATE TABLE IF NOT EXISTS once (
	purpose VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	digest BINARY(32) NOT NULL,
	until BIGINT NOT NULL,
	PRIMARY KEY (purpose, digest),
	KEY until (until)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4
