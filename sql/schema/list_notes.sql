-- What an owner should know of the library's tables, and nothing is wrong with.
-- Returns: note, as a person reads it.
SELECT
    'photos has row-level security: commands of fluffy_sql refuse a role that a policy hides photos from, triggers count'
    || ' and guard all photos, and who may look at a view of fluffy_sql sees only what the policies let that role see'
    || CASE
        WHEN photos.relforcerowsecurity
            THEN '; it is forced on the owner, too, whose counts may then be wrong: give the owner BYPASSRLS'
        ELSE ''
    END AS note
FROM pg_class AS photos
WHERE photos.oid = to_regclass('photos') AND photos.relrowsecurity
UNION ALL
SELECT
    of_table.oid::regclass || ' is in a publication and has no replica identity, so Postgres refuses to UPDATE it: give it'
    || ' a primary key, or ALTER TABLE ... REPLICA IDENTITY' AS note
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
