-- sent_at: the mail may have gone out (mailed_at: it was ordered); recalled_at: the mail that nothing is revoked was ordered.
ALTER TABLE leavers_person
	ADD COLUMN IF NOT EXISTS sent_at BIGINT NOT NULL DEFAULT 0,
	ADD COLUMN IF NOT EXISTS recalled_at BIGINT NOT NULL DEFAULT 0
