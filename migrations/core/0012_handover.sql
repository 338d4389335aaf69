-- What waits to be handed over to a card service: .p12 and PIN, sealed as (handover, application_id, p12 | pin); deleted once accepted.
CREATE TABLE IF NOT EXISTS handover (
	application_id BIGINT UNSIGNED NOT NULL,
	p12 MEDIUMBLOB NOT NULL,
	pin BLOB NOT NULL,
	serial VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NULL,
	fingerprint CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
	not_before BIGINT NOT NULL DEFAULT 0,
	not_after BIGINT NOT NULL DEFAULT 0,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (application_id),
	KEY created_at (created_at)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4
