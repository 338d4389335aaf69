-- Prints the rights of the account that `inkan serve` uses (set @account before): rows only, no DDL, and of the audit trail nothing but
-- new rows. To be run after `inkan migrate`, since it names each table:
--   (echo "SET @account = \"'inkan'@'localhost'\";"; cat grants.sql) | mariadb -N inkan | mariadb inkan
SELECT CONCAT('GRANT ',
	CASE WHEN table_name IN ('audit', 'audit_chain') THEN 'SELECT, INSERT'
		WHEN table_name IN ('migration', 'migration_lease') THEN 'SELECT'
		ELSE 'SELECT, INSERT, UPDATE, DELETE' END,
	' ON `', table_schema, '`.`', table_name, '` TO ', @account, ';')
FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' ORDER BY table_name;
