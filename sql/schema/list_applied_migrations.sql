-- The migrations that are in force, oldest first.
-- Returns: migration_id.
SELECT migration_id
FROM migrations
ORDER BY migration_id;
