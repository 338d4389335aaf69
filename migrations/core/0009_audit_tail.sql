-- Rows of audit that are not chained yet: inserted with them, deleted when they are.
CREATE TABLE IF NOT EXISTS audit_tail (
	audit_id BIGINT UNSIGNED NOT NULL,
	PRIMARY KEY (audit_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4
