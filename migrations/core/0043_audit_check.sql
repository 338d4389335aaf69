-- What the verifications of the audit trail found. broken_id: the first row that is not as it was; 0: none, or an entry of the chain itself.
CREATE TABLE IF NOT EXISTS audit_check (
	id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
	asked_by VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
	started_at BIGINT NOT NULL,
	ended_at BIGINT NOT NULL,
	whole TINYINT UNSIGNED NOT NULL,
	checked_rows BIGINT UNSIGNED NOT NULL,
	tail BIGINT UNSIGNED NOT NULL,
	last_id BIGINT UNSIGNED NOT NULL,
	last_at BIGINT NOT NULL,
	broken_id BIGINT UNSIGNED NOT NULL,
	why VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
	PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4
