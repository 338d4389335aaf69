-- The applicant wants no reminders for this certificate.
ALTER TABLE application ADD COLUMN IF NOT EXISTS muted TINYINT UNSIGNED NOT NULL DEFAULT 0
