-- What the demo's mail server received: raw, with what the list shows beside it.
CREATE TABLE IF NOT EXISTS demo_mail (
	id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
	received_at BIGINT NOT NULL,
	recipient VARCHAR(254) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	subject VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	raw MEDIUMBLOB NOT NULL
) ENGINE = InnoDB
