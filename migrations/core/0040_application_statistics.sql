-- What the statistics count by month, each in an index that holds all it needs; live_until with state is when it expired or was missed.
ALTER TABLE application
	ADD KEY IF NOT EXISTS statistics_taken (taken_at, renews, type),
	ADD KEY IF NOT EXISTS statistics_revoked (revoked_at, type),
	ADD KEY IF NOT EXISTS statistics_ended (live_until, state, type)
