-- Only in an attached library: compares its photos with the source, in one pass, and takes in what is new, gone and
-- changed. A photo that got another owner leaves its cluster, which holds those of one scope.
-- Photos are numbered in the order in which the source gives them, so that neighbours there are neighbours here. Its
-- names are looked up when it runs, so nothing depends on the source.
DO $do$
DECLARE
    source record;
    keys text[];
    source_keys text;
    owner_type text;
    numbered boolean;
    compared text;
BEGIN
    SELECT * INTO STRICT source FROM attached_source;
    keys := ARRAY(SELECT name FROM unnest(source.columns) AS listed (name) WHERE name LIKE 'key%');
    source_keys := 'source.' || array_to_string(keys, ', source.');
    owner_type := source.types[array_position(source.columns, 'owner')];
    numbered := owner_type IN ('bigint', 'integer', 'smallint');
    compared := format(
        $compare$
                SELECT
                    photo.id,
                    source.found,
                    %1$s,
                    source.path,
                    source.scope,
                    source.version,
                    photo.id IS NULL
                    OR source.found IS NULL
                    OR photo.path IS DISTINCT FROM source.path
                    OR photo.scope IS DISTINCT FROM source.scope
                    OR photo.source_version IS DISTINCT FROM source.version AS differs
                FROM photos AS photo
                FULL JOIN (
                    SELECT
                        TRUE AS found,
                        %1$s,
                        %3$s AS path,
                        %4$s AS scope,
                        %5$s AS version
                    FROM (%2$s) AS source%6$s
                ) AS source ON %7$s
        $compare$,
        source_keys,
        source.query,
        CASE WHEN 'path' = ANY (source.columns) THEN 'source.path::text' ELSE 'NULL::text' END,
        CASE
            WHEN owner_type IS NULL THEN 'NULL::bigint'
            WHEN numbered THEN 'source.owner::bigint'
            ELSE '(SELECT known.scope FROM source_owners AS known WHERE known.owner = source.owner::text)'
        END,
        CASE
            WHEN 'version' = ANY (source.columns) THEN 'source.version::text'
            ELSE '(fetched.embedding <#> subvector(fingerprint_vector, 1, vector_dims(fetched.embedding)))::real::text'
        END,
        CASE
            WHEN 'version' = ANY (source.columns) THEN ''
            WHEN source.types[array_position(source.columns, 'embedding')] LIKE '%[]'
                THEN
                    ' CROSS JOIN LATERAL unnest(ARRAY[CASE WHEN array_ndims(source.embedding) = 1'
                    ' AND array_position(source.embedding, NULL) IS NULL THEN source.embedding::vector END])'
                    ' AS fetched (embedding)'
            ELSE ' CROSS JOIN LATERAL unnest(ARRAY[source.embedding::vector]) AS fetched (embedding)'
        END,
        (SELECT string_agg(format('photo.%1$s = source.%1$s', name), ' AND ') FROM unnest(keys) AS listed (name))
    );
    EXECUTE format($create$
        CREATE OR REPLACE FUNCTION sync_source(fingerprint_vector vector, writes boolean)
        RETURNS TABLE (photos bigint, added bigint, gone bigint, changed bigint, wrong_key text, times bigint)
        LANGUAGE plpgsql
        SET search_path FROM CURRENT
        AS $function$
        #variable_conflict use_column
        BEGIN
            RETURN QUERY
            SELECT 0::bigint, 0::bigint, 0::bigint, 0::bigint, concat_ws('/', %1$s), count(*)
            FROM (%2$s) AS source
            GROUP BY %1$s
            HAVING count(*) > 1 OR num_nulls(%1$s) > 0
            LIMIT 1;
            IF FOUND THEN
                RETURN;
            END IF;
            IF NOT writes THEN
                RETURN QUERY
                SELECT
                    count(*) FILTER (WHERE compared.found),
                    count(*) FILTER (WHERE compared.id IS NULL),
                    count(*) FILTER (WHERE compared.found IS NULL),
                    count(*) FILTER (WHERE compared.id IS NOT NULL AND compared.found AND compared.differs),
                    NULL::text,
                    0::bigint
                FROM (%3$s) AS compared;
                RETURN;
            END IF;
            IF %4$L THEN
                INSERT INTO source_owners (owner)
                SELECT DISTINCT source.owner::text AS owner
                FROM (%7$s) AS source
                WHERE source.owner IS NOT NULL
                AND NOT EXISTS (SELECT FROM source_owners AS known WHERE known.owner = source.owner::text)
                ORDER BY owner;
            END IF;
            RETURN QUERY
            WITH compared AS MATERIALIZED (%3$s),
            deleted AS (
                DELETE FROM photos AS photo USING compared
                WHERE photo.id = compared.id AND compared.found IS NULL
            ),
            updated AS (
                UPDATE photos AS photo
                SET
                    path = compared.path,
                    scope = compared.scope,
                    source_version = compared.version,
                    cluster_id = CASE WHEN photo.scope IS NOT DISTINCT FROM compared.scope THEN photo.cluster_id END,
                    updated_at = now()
                FROM compared
                WHERE photo.id = compared.id AND compared.found AND compared.differs
            ),
            inserted AS (
                INSERT INTO photos (%5$s, path, scope, source_version)
                SELECT %6$s, compared.path, compared.scope, compared.version
                FROM compared
                WHERE compared.id IS NULL
            )
            SELECT
                count(*) FILTER (WHERE compared.found),
                count(*) FILTER (WHERE compared.id IS NULL),
                count(*) FILTER (WHERE compared.found IS NULL),
                count(*) FILTER (WHERE compared.id IS NOT NULL AND compared.found AND compared.differs),
                NULL::text,
                0::bigint
            FROM compared;
        END
        $function$
    $create$,
        source_keys,
        source.query,
        compared,
        coalesce(NOT numbered, FALSE),
        array_to_string(keys, ', '),
        'compared.' || array_to_string(keys, ', compared.'),
        CASE WHEN owner_type IS NULL THEN 'SELECT NULL AS owner' ELSE source.query END
    );
END
$do$;

COMMENT ON FUNCTION sync_source(vector, boolean) IS
'Brings the photos of an attached library in step with its source, or only counts what is new, gone and changed there. For runs of fluffy_sql.';
