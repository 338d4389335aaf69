-- Log-ins. The key is the digest of the cookie, never the cookie.
CREATE TABLE IF NOT EXISTS session (
	digest BINARY(32) NOT NULL,
	user_id BIGINT UNSIGNED NOT NULL,
	idp VARCHAR(1024) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
	created_at BIGINT NOT NULL,
	seen_at BIGINT NOT NULL,
	PRIMARY KEY (digest),
	KEY user_id (user_id),
	KEY created_at (created_at),
	KEY seen_at (seen_at)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4
