-- An order for a card service: key, .p12 and PIN go to the core at once, and nobody downloads.
ALTER TABLE local_order ADD COLUMN IF NOT EXISTS handover TINYINT UNSIGNED NOT NULL DEFAULT 0
