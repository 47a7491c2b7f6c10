-- Only in an attached library: takes in what is new, gone and changed in the source. A photo that got another owner
-- leaves its cluster, which holds those of one scope. Photos are numbered in the order in which the source gives them,
-- so that neighbours there are neighbours here.
DO $do$
DECLARE
    source record;
    keys text[];
    owner_type text;
BEGIN
    SELECT * INTO STRICT source FROM attached_source;
    keys := ARRAY(SELECT name FROM unnest(source.columns) AS listed (name) WHERE name LIKE 'key%');
    owner_type := source.types[array_position(source.columns, 'owner')];
    EXECUTE format($create$
        CREATE OR REPLACE FUNCTION sync_source(fingerprint_vector vector, writes boolean)
        RETURNS TABLE (added bigint, gone bigint, changed bigint, wrong_key text, times bigint)
        LANGUAGE plpgsql
        SET search_path FROM CURRENT
        AS $function$
        #variable_conflict use_column
        BEGIN
            -- As many as are known are shown, and none differs: then no key is wrong, either.
            IF (SELECT count(*) FROM (%2$s) AS source) = (SELECT count(*) FROM photos)
                AND NOT EXISTS (SELECT FROM source_differences(fingerprint_vector))
            THEN
                RETURN QUERY SELECT 0::bigint, 0::bigint, 0::bigint, NULL::text, 0::bigint;
                RETURN;
            END IF;
            RETURN QUERY
            SELECT 0::bigint, 0::bigint, 0::bigint, CASE WHEN num_nulls(%1$s) = 0 THEN concat_ws('/', %1$s) END, count(*)
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
                    count(*) FILTER (WHERE other.photo_id IS NULL),
                    count(*) FILTER (WHERE NOT other.shown),
                    count(*) FILTER (WHERE other.photo_id IS NOT NULL AND other.shown),
                    NULL::text,
                    0::bigint
                FROM source_differences(fingerprint_vector) AS other;
                RETURN;
            END IF;
            INSERT INTO source_owners (owner)
            SELECT DISTINCT source.owner::text AS owner
            FROM (%3$s) AS source
            WHERE source.owner IS NOT NULL
            AND NOT EXISTS (SELECT FROM source_owners AS known WHERE known.owner = source.owner::text)
            ORDER BY owner;
            RETURN QUERY
            WITH other AS MATERIALIZED (
                SELECT * FROM source_differences(fingerprint_vector)
            ),
            deleted AS (
                DELETE FROM photos AS photo USING other
                WHERE photo.id = other.photo_id AND NOT other.shown
            ),
            forgotten AS (
                DELETE FROM source_keys AS known USING other
                WHERE known.photo_id = other.photo_id AND NOT other.shown
            ),
            updated AS (
                UPDATE photos AS photo
                SET
                    path = other.path,
                    scope = other.scope,
                    source_version = other.version,
                    cluster_id = CASE WHEN photo.scope IS NOT DISTINCT FROM other.scope THEN photo.cluster_id END,
                    updated_at = now()
                FROM other
                WHERE photo.id = other.photo_id AND other.shown
            ),
            inserted AS (
                INSERT INTO photos (%4$s, path, scope, source_version)
                SELECT %5$s, other.path, other.scope, other.version
                FROM other
                WHERE other.photo_id IS NULL
                RETURNING id, %4$s
            ),
            keyed AS (
                INSERT INTO source_keys (photo_id, %4$s)
                SELECT id, %4$s
                FROM inserted
                -- somebody deleted its photo
                ON CONFLICT (%4$s) DO UPDATE SET photo_id = excluded.photo_id
            )
            SELECT
                count(*) FILTER (WHERE other.photo_id IS NULL),
                count(*) FILTER (WHERE NOT other.shown),
                count(*) FILTER (WHERE other.photo_id IS NOT NULL AND other.shown),
                NULL::text,
                0::bigint
            FROM other;
        END
        $function$
    $create$,
        'source.' || array_to_string(keys, ', source.'),
        source.query,
        CASE
            WHEN coalesce(owner_type IN ('bigint', 'integer', 'smallint'), TRUE) THEN 'SELECT NULL::text AS owner'
            ELSE source.query
        END,
        array_to_string(keys, ', '),
        'other.' || array_to_string(keys, ', other.')
    );
END
$do$;

COMMENT ON FUNCTION sync_source(vector, boolean) IS
'Brings the photos of an attached library in step with its source, or only counts what is new, gone and changed there. For runs of fluffy_sql.';
