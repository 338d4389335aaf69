-- What administrators look for: the CN (lower case; it holds half-width letters alone) by its beginning, the upstream's own id of the application, and by time alone what is over.
ALTER TABLE application
	ADD COLUMN IF NOT EXISTS cn VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin
		AS (IF(LEFT(subject, 3) = 'CN=', LEFT(LOWER(SUBSTRING_INDEX(SUBSTRING(subject, 4), ',', 1)), 64), '')) VIRTUAL,
	ADD COLUMN IF NOT EXISTS upstream_id VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NULL,
	ADD KEY IF NOT EXISTS cn (cn),
	ADD KEY IF NOT EXISTS upstream_id (upstream_id),
	ADD KEY IF NOT EXISTS live_until (live_until),
	ADD KEY IF NOT EXISTS state_live (state, live_until)
