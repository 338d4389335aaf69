-- Reminders that were decided on, inserted together with the job that mails them: the key is what makes each come once.
CREATE TABLE IF NOT EXISTS reminder (
	application_id BIGINT UNSIGNED NOT NULL,
	kind VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	days INT UNSIGNED NOT NULL,
	at BIGINT NOT NULL,
	PRIMARY KEY (application_id, kind, days)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4
