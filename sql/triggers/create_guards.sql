-- Makes the triggers that keep photos out of clusters of another scope, those that are missing or disabled; on each
-- partition, too, as in create_counts.
-- Returns: nothing.
DO $$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN
        SELECT
            photo.relation,
            statement.name,
            statement.event
        FROM (
            SELECT 'photos'::regclass AS relation
            UNION
            SELECT relid FROM pg_partition_tree('photos'::regclass)
        ) AS photo
        CROSS JOIN (
            VALUES ('fluffy_sql_guard_inserted', 'INSERT'), ('fluffy_sql_guard_updated', 'UPDATE')
        ) AS statement (name, event)
        WHERE NOT EXISTS (
            SELECT FROM pg_trigger
            WHERE tgrelid = photo.relation AND tgname = statement.name AND tgenabled IN ('O', 'A')
        )
    LOOP
        EXECUTE format(
            'CREATE OR REPLACE TRIGGER %I AFTER %s ON %s REFERENCING NEW TABLE AS new_photos'
            ' FOR EACH STATEMENT EXECUTE FUNCTION guard_photos()',
            wanted.name, wanted.event, wanted.relation
        );
    END LOOP;
    IF NOT EXISTS (
        SELECT FROM pg_trigger
        WHERE tgrelid = 'clusters'::regclass AND tgname = 'fluffy_sql_guard_cluster' AND tgenabled IN ('O', 'A')
    ) THEN
        EXECUTE (
            SELECT format(
                'CREATE OR REPLACE TRIGGER fluffy_sql_guard_cluster AFTER UPDATE ON clusters'
                ' FOR EACH ROW WHEN (OLD.%1$I IS DISTINCT FROM NEW.%1$I) EXECUTE FUNCTION guard_cluster()',
                scope_column
            )
            FROM definitions
        );
    END IF;
END
$$;
