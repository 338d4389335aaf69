-- What the demo's card server was given: of each certificate what a card server needs to know, and neither its key nor its PIN.
CREATE TABLE IF NOT EXISTS demo_card (
	id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
	card VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	serial VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	subject VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	not_before BIGINT NOT NULL,
	not_after BIGINT NOT NULL,
	p12_bytes INT UNSIGNED NOT NULL,
	p12_digest CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	received_at BIGINT NOT NULL,
	times INT UNSIGNED NOT NULL,
	revoked_at BIGINT NOT NULL,
	UNIQUE KEY demo_card_digest (p12_digest),
	KEY demo_card_card (card)
) ENGINE = InnoDB
