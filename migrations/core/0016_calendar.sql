-- Secret addresses of calendars. The key is the digest of the token, never the token.
CREATE TABLE IF NOT EXISTS calendar (
	user_id BIGINT UNSIGNED NOT NULL,
	digest BINARY(32) NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (user_id),
	UNIQUE KEY digest (digest)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4
