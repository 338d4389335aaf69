-- Maintenance mode: one row, id 1. from_at 0: off. until_at 0: until somebody ends it. version rises with each change: who changes it says which one was seen.
CREATE TABLE IF NOT EXISTS maintenance (
	id TINYINT UNSIGNED NOT NULL,
	version BIGINT UNSIGNED NOT NULL,
	from_at BIGINT NOT NULL,
	until_at BIGINT NOT NULL,
	announced TINYINT UNSIGNED NOT NULL,
	message_ja VARCHAR(300) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
	message_en VARCHAR(300) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
	set_by VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
	set_at BIGINT NOT NULL,
	PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4
