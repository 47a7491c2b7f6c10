-- Tables and views of the application that hold embeddings, with what attaches them: the table photos first, and those
-- that keep rows. Of others of that name, and of clusters, other libraries are made.
-- Returns: name, own (whether they are those that migrate would adopt), attach text[] (the arguments that
--   attach it).
SELECT
    quote_ident(place.nspname) || '.' || quote_ident(found.relname) AS name,
    coalesce(found.oid = to_regclass('photos') AND of_embedding.attname = 'embedding', FALSE) AS own,
    CASE
        WHEN found.relname = 'smart_search' THEN ARRAY['--preset', 'immich']
        WHEN found.relname = 'langchain_pg_embedding' THEN ARRAY['--preset', 'langchain']
        WHEN found.relname = 'api_photo' THEN ARRAY['--preset', 'librephotos']
        ELSE
            ARRAY[
                '--table',
                CASE WHEN pg_table_is_visible(found.oid) THEN '' ELSE place.nspname || '.' END || found.relname
            ]
            || coalesce(
                (
                    SELECT
                        (
                            SELECT array_agg(argument ORDER BY part.place, listed.place)
                            FROM unnest(key.indkey::smallint[]) WITH ORDINALITY AS part (attnum, place)
                            INNER JOIN pg_attribute AS of_key
                                ON of_key.attrelid = key.indrelid AND part.attnum = of_key.attnum
                            CROSS JOIN
                                unnest(ARRAY['--key', of_key.attname::text]) WITH ORDINALITY AS listed (argument, place)
                            WHERE part.place <= key.indnkeyatts
                        )
                    FROM pg_index AS key
                    WHERE key.indrelid = found.oid AND key.indisunique AND key.indpred IS NULL AND key.indexprs IS NULL
                    ORDER BY key.indisprimary DESC, key.indnkeyatts ASC
                    LIMIT 1
                ),
                ARRAY['--key', 'KEY']
            )
            || ARRAY['--embedding', of_embedding.attname::text]
    END AS attach
FROM pg_attribute AS of_embedding
INNER JOIN pg_class AS found ON of_embedding.attrelid = found.oid
INNER JOIN pg_namespace AS place ON found.relnamespace = place.oid
INNER JOIN pg_type AS declared ON of_embedding.atttypid = declared.oid
INNER JOIN pg_type AS type ON coalesce(nullif(declared.typbasetype, 0), declared.oid) = type.oid
LEFT JOIN pg_extension AS extension ON extension.extname = 'vector'
WHERE
    found.relkind IN ('r', 'p', 'm', 'f', 'v')
    AND (NOT found.relispartition OR found.oid = to_regclass('photos'))
    AND NOT of_embedding.attisdropped
    AND (
        (type.typnamespace = extension.extnamespace AND type.typname IN ('vector', 'halfvec', 'sparsevec'))
        OR (
            type.oid IN ('real[]'::regtype, 'double precision[]'::regtype)
            AND of_embedding.attname ~* 'embed|clip|vec'
        )
    )
    AND NOT starts_with(place.nspname, 'pg_')
    AND coalesce(obj_description(found.oid, 'pg_class') NOT LIKE '%Made by fluffy_sql.', TRUE)
    AND coalesce(
        col_description(of_embedding.attrelid, of_embedding.attnum) NOT LIKE '%Made by fluffy_sql.', TRUE
    )
    AND has_schema_privilege(place.oid, 'USAGE')
    -- neither our schema nor another library's, even if a table of it is lost
    AND NOT EXISTS (
        SELECT FROM pg_class AS known
        WHERE known.relnamespace = place.oid AND known.relname IN ('application_tables', 'cluster_runs')
    )
    AND (found.relname NOT IN ('photos', 'clusters') OR found.oid = to_regclass('photos'))
ORDER BY
    own DESC,
    found.oid = to_regclass('photos') DESC NULLS LAST,
    found.relkind = 'v' ASC,
    name ASC,
    of_embedding.attnum ASC;
