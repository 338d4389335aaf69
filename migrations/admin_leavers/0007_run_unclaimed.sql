-- unclaimed: certificates that have no owner are revoked with the run; which ones was written to leavers_item (outcome planned; later left-out when the person with its address was left out) when it was decided.
ALTER TABLE leavers_run ADD COLUMN IF NOT EXISTS unclaimed TINYINT UNSIGNED NOT NULL DEFAULT 0
