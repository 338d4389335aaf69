-- What administrators search users by: ePPN, name and mail, folded, a line each. In an index of its own, so that looking for a part of it reads nothing else. NULL: still to be computed.
ALTER TABLE user ADD COLUMN IF NOT EXISTS search VARBINARY(3068) NULL, ADD KEY IF NOT EXISTS search (search)
