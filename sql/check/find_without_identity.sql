-- Tables of the application that a publication sends and that have nothing to tell rows apart by: Postgres refuses to
-- UPDATE them.
-- Returns: name.
SELECT of_table.oid::regclass::text AS name
FROM pg_class AS of_table
INNER JOIN pg_namespace AS place ON of_table.relnamespace = place.oid
WHERE
    of_table.oid IN (to_regclass('photos'), to_regclass('clusters'))
    AND EXISTS (
        SELECT FROM pg_publication_tables AS published
        WHERE published.schemaname = place.nspname AND published.tablename = of_table.relname
    )
    AND (
        of_table.relreplident = 'n'
        OR (
            of_table.relreplident = 'd'
            AND NOT EXISTS (
                SELECT FROM pg_index
                WHERE indrelid = of_table.oid AND indisprimary
            )
        )
    );
