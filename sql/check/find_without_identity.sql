-- Tables of the application that a publication sends changes of and that have nothing to tell rows apart by: Postgres
-- refuses to change their rows. Of a partitioned table, its partitions, whichever of them are named in the publication.
-- Returns: name; in order.
SELECT of_table.oid::regclass::text AS name
FROM pg_class AS of_table
WHERE
    of_table.relkind = 'r'
    AND of_table.oid IN (
        SELECT to_regclass(used.name) FROM unnest(ARRAY['photos', 'clusters']) AS used (name)
        UNION ALL
        SELECT relid FROM pg_partition_tree(to_regclass('photos'))
    )
    AND EXISTS (
        SELECT
        FROM pg_publication_tables AS published
        INNER JOIN pg_publication AS publication ON published.pubname = publication.pubname
        INNER JOIN pg_namespace AS place ON published.schemaname = place.nspname
        INNER JOIN pg_class AS named ON place.oid = named.relnamespace AND published.tablename = named.relname
        WHERE
            (publication.pubupdate OR (publication.pubdelete AND of_table.oid = to_regclass('clusters')))
            AND named.oid IN (
                SELECT of_table.oid
                UNION ALL
                SELECT relid FROM pg_partition_ancestors(of_table.oid)
            )
    )
    AND of_table.relreplident <> 'f'
    AND NOT EXISTS (
        SELECT FROM pg_index AS key
        WHERE
            key.indrelid = of_table.oid
            AND key.indisvalid
            AND key.indimmediate
            AND (
                (of_table.relreplident = 'd' AND key.indisprimary)
                OR (of_table.relreplident = 'i' AND key.indisreplident)
            )
    )
ORDER BY name;
