-- Drops the view only where the migration made it.

DO $$
BEGIN
    IF EXISTS (SELECT FROM fluffy_sql_created_objects WHERE kind = 'view' AND name = 'usable_photos') THEN
        DROP VIEW IF EXISTS usable_photos;
        DELETE FROM fluffy_sql_created_objects WHERE kind = 'view' AND name = 'usable_photos';
    END IF;
END
$$;
