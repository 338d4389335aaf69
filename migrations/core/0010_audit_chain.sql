-- The seal of the trail: an entry per row of audit. row_mac covers the row alone, mac the entry before, the place and row_mac.
CREATE TABLE IF NOT EXISTS audit_chain (
	seq BIGINT UNSIGNED NOT NULL,
	audit_id BIGINT UNSIGNED NOT NULL,
	row_mac BINARY(32) NOT NULL,
	mac BINARY(32) NOT NULL,
	PRIMARY KEY (seq),
	UNIQUE KEY audit_id (audit_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4
