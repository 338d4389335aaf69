-- What became of each certificate. outcome: asked (its revocation was applied for), already (revoked, or being revoked), ended (expired meanwhile), untaken (not obtained yet: looked at again).
CREATE TABLE IF NOT EXISTS leavers_item (
	run_id BIGINT UNSIGNED NOT NULL,
	application_id BIGINT UNSIGNED NOT NULL,
	user_id BIGINT UNSIGNED NOT NULL,
	outcome VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	at BIGINT NOT NULL,
	PRIMARY KEY (run_id, application_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4
