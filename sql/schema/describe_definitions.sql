-- What views, functions and triggers were made from, and which of them are gone since.
-- Parameters: names text[] (of views and functions that are to be there)
-- Returns: digest (null: detached, or never made), missing text[].
SELECT
    definitions.digest,
    ARRAY(
        SELECT wanted.name
        FROM unnest(%(names)s::text[]) AS wanted (name)
        WHERE
            NOT EXISTS (
                SELECT FROM pg_class
                INNER JOIN pg_namespace ON pg_class.relnamespace = pg_namespace.oid
                WHERE pg_namespace.nspname = current_setting('fluffy_sql.schema') AND pg_class.relname = wanted.name
            )
            AND NOT EXISTS (
                SELECT FROM pg_proc
                INNER JOIN pg_namespace ON pg_proc.pronamespace = pg_namespace.oid
                WHERE pg_namespace.nspname = current_setting('fluffy_sql.schema') AND pg_proc.proname = wanted.name
            )
        ORDER BY wanted.name
    ) AS missing
FROM definitions;
