-- Drops what list_stray lists.
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
            AND called.proname IN ('count_photos', 'guard_photos')
            AND trigger.tgrelid <> to_regclass('photos')
            AND trigger.tgrelid NOT IN (SELECT relid FROM pg_partition_tree(to_regclass('photos')))
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', found.tgname, found.relation);
    END LOOP;
END
$$;
