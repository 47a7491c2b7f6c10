-- Drops the triggers that keep photos_count, wherever they are: on partitions, and on tables that were renamed since.
-- Returns: nothing.
DO $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT
            trigger.tgname,
            trigger.tgrelid::regclass AS relation
        FROM pg_trigger AS trigger
        INNER JOIN pg_proc AS called ON trigger.tgfoid = called.oid
        INNER JOIN pg_namespace AS place ON called.pronamespace = place.oid
        WHERE
            place.nspname = current_setting('fluffy_sql.schema')
            AND called.proname IN ('count_photos', 'count_cluster', 'fold_photo_counts_at_commit')
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', found.tgname, found.relation);
    END LOOP;
END
$$;
