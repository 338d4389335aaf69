-- Who has logged in. `applications` is the running number of the user's applications, and the row that all that must be counted per user updates first.
CREATE TABLE IF NOT EXISTS user (
	id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
	eppn VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
	idp VARCHAR(1024) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
	name VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL,
	mail VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
	lang CHAR(2) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	applications INT UNSIGNED NOT NULL DEFAULT 0,
	created_at BIGINT NOT NULL,
	seen_at BIGINT NOT NULL,
	PRIMARY KEY (id),
	UNIQUE KEY eppn (eppn),
	KEY mail (mail),
	KEY seen_at (seen_at)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4
