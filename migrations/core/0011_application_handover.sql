-- Whether the certificate goes to a card service instead of the applicant: no PIN, no issue mail, labels of its own.
ALTER TABLE application ADD COLUMN IF NOT EXISTS handover TINYINT UNSIGNED NOT NULL DEFAULT 0
