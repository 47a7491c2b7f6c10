-- Indexes that have to be written for each photo that is placed, and take long: those on embeddings.
-- Returns: name, method (hnsw, ivfflat, ...); in the order of names.
SELECT
    index.indexrelid::regclass::text AS name,
    method.amname::text AS method
FROM pg_index AS index
INNER JOIN pg_class AS of_index ON index.indexrelid = of_index.oid
INNER JOIN pg_am AS method ON of_index.relam = method.oid
WHERE
    index.indrelid IN (
        SELECT 'photos'::regclass
        UNION
        SELECT relid FROM pg_partition_tree('photos'::regclass)
    )
    AND of_index.relkind = 'i'
    AND method.amname NOT IN ('btree', 'hash', 'gin', 'gist', 'spgist', 'brin')
ORDER BY name;
