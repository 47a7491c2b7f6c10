-- By foreign keys of whatever columns. Row-level security must not hide a row from it: where it would, it fails.
CREATE OR REPLACE FUNCTION referenced_clusters()
RETURNS TABLE (cluster_id bigint, referenced_by text)
LANGUAGE plpgsql STABLE
SET search_path FROM CURRENT
SET row_security = off
AS $$
DECLARE
    question text;
BEGIN
    FOR question IN
        SELECT format(
            'SELECT DISTINCT cluster.id::bigint, %L FROM clusters AS cluster INNER JOIN %s AS other ON %s',
            key.conrelid::regclass::text,
            key.conrelid::regclass,
            string_agg(format('cluster.%I = other.%I', referred.attname, referring.attname), ' AND ')
        )
        FROM pg_constraint AS key
        CROSS JOIN LATERAL unnest(key.confkey, key.conkey) AS pair (referred, referring)
        INNER JOIN pg_attribute AS referred
            ON key.confrelid = referred.attrelid AND pair.referred = referred.attnum
        INNER JOIN pg_attribute AS referring
            ON key.conrelid = referring.attrelid AND pair.referring = referring.attnum
        WHERE
            key.contype = 'f'
            AND key.confrelid = 'clusters'::regclass
            AND key.conrelid <> 'photos'::regclass
            AND key.conparentid = 0
        GROUP BY key.oid, key.conrelid
    LOOP
        RETURN QUERY EXECUTE question;
    END LOOP;
END
$$;

COMMENT ON FUNCTION referenced_clusters() IS
'The clusters that rows of other tables than photos refer to by a foreign key, with the table. Example: SELECT * FROM referenced_clusters();';
