-- Who has this address, in whatever case the IdP writes it: whether an imported certificate can be told whose it is.
ALTER TABLE user
	ADD COLUMN IF NOT EXISTS mail_lower VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin AS (LOWER(mail)) VIRTUAL,
	ADD KEY IF NOT EXISTS mail_lower (mail_lower)
