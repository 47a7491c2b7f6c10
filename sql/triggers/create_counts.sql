-- Makes the triggers that keep photos_count, those that are missing; one that somebody disabled is enabled.
--   Of every UPDATE, since Postgres allows no list of columns beside transition tables.
--   On each partition, too: a statement on a partition itself fires none of the whole table, and the other way round.
--   The last one folds what is written down into photos_count when a transaction ends.
-- Returns: nothing.
DO $$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN
        SELECT
            photo.relation,
            statement.name,
            statement.event,
            statement.transition
        FROM (
            SELECT 'photos'::regclass AS relation
            UNION
            SELECT relid FROM pg_partition_tree('photos'::regclass)
        ) AS photo
        CROSS JOIN (
            VALUES
            ('fluffy_sql_count_inserted', 'INSERT', 'REFERENCING NEW TABLE AS new_photos'),
            ('fluffy_sql_count_updated', 'UPDATE', 'REFERENCING OLD TABLE AS old_photos NEW TABLE AS new_photos'),
            ('fluffy_sql_count_deleted', 'DELETE', 'REFERENCING OLD TABLE AS old_photos'),
            ('fluffy_sql_count_truncated', 'TRUNCATE', '')
        ) AS statement (name, event, transition)
        WHERE NOT EXISTS (
            SELECT FROM pg_trigger
            WHERE tgrelid = photo.relation AND tgname = statement.name AND tgenabled IN ('O', 'A')
        )
    LOOP
        EXECUTE format(
            'CREATE OR REPLACE TRIGGER %I AFTER %s ON %s %s FOR EACH STATEMENT EXECUTE FUNCTION count_photos()',
            wanted.name, wanted.event, wanted.relation, wanted.transition
        );
    END LOOP;
    IF NOT EXISTS (
        SELECT FROM pg_trigger
        WHERE tgrelid = 'clusters'::regclass AND tgname = 'fluffy_sql_count_cluster' AND tgenabled IN ('O', 'A')
    ) THEN
        CREATE OR REPLACE TRIGGER fluffy_sql_count_cluster
        BEFORE INSERT OR UPDATE OF id ON clusters
        FOR EACH ROW EXECUTE FUNCTION count_cluster();
    END IF;
    IF EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'photo_count_changes'::regclass AND tgname = 'fluffy_sql_fold') THEN
        ALTER TABLE photo_count_changes ENABLE TRIGGER fluffy_sql_fold;
    ELSE
        CREATE CONSTRAINT TRIGGER fluffy_sql_fold
        AFTER INSERT ON photo_count_changes
        DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION fold_photo_counts_at_commit();
    END IF;
END
$$;
