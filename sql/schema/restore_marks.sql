-- Puts "Made by fluffy_sql." back where migrate had written it and a migration tool, or a dump, took comments away.
-- Returns: nothing.
DO $$
DECLARE
    made record;
BEGIN
    IF to_regclass(format('%I.application_tables', current_setting('fluffy_sql.schema'))) IS NULL THEN
        RETURN;
    END IF;
    FOR made IN
        SELECT
            CASE
                WHEN attname IS NULL THEN format('TABLE %s', pg_class.oid::regclass)
                ELSE format('COLUMN %s.%I', pg_class.oid::regclass, attname)
            END AS object,
            CASE
                WHEN attname IS NULL THEN obj_description(pg_class.oid, 'pg_class')
                ELSE col_description(pg_class.oid, attnum)
            END AS said
        FROM application_tables
        INNER JOIN pg_class ON application_tables.relation = pg_class.oid
        CROSS JOIN LATERAL unnest(application_tables.made) AS recorded (name)
        LEFT JOIN pg_attribute ON attrelid = pg_class.oid AND attname = recorded.name AND NOT attisdropped
        WHERE recorded.name = '' OR attname IS NOT NULL
    LOOP
        IF made.said IS NULL OR made.said NOT LIKE '%Made by fluffy_sql.' THEN
            EXECUTE format('COMMENT ON %s IS %L', made.object, concat_ws(' ', made.said, 'Made by fluffy_sql.'));
        END IF;
    END LOOP;
END
$$;
