-- Addresses are compared in lower case alone, by mail_lower.
ALTER TABLE user DROP KEY IF EXISTS mail
