-- Who is concerned. next_at: when the person's certificates are looked at next; done_at: nothing is left to do; mailed_at: told of it.
CREATE TABLE IF NOT EXISTS leavers_person (
	run_id BIGINT UNSIGNED NOT NULL,
	user_id BIGINT UNSIGNED NOT NULL,
	next_at BIGINT NOT NULL DEFAULT 0,
	done_at BIGINT NOT NULL DEFAULT 0,
	cancelled_at BIGINT NOT NULL DEFAULT 0,
	mailed_at BIGINT NOT NULL DEFAULT 0,
	PRIMARY KEY (run_id, user_id),
	KEY todo (run_id, done_at, cancelled_at, next_at)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4
