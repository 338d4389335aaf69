-- Who did what. Rows are inserted and read, never changed: the server's account may do no more.
CREATE TABLE IF NOT EXISTS audit (
	id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
	at BIGINT NOT NULL,
	actor VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
	context VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
	action VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	object VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
	detail VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NULL,
	PRIMARY KEY (id),
	KEY object (object, id),
	KEY actor (actor, id),
	KEY action (action, id),
	KEY at (at)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4
