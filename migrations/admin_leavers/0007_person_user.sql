-- What is planned for a person is shown on that person's pages.
ALTER TABLE leavers_person ADD KEY IF NOT EXISTS user (user_id)
