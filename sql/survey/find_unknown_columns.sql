-- Columns of clusters that need a value when a cluster is made, and that a run has none for. The column that has the
-- scope is one of them if some photos have no scope.
-- Parameters: unscoped boolean (whether clusters are made for photos without a scope)
-- Returns: name.
SELECT attribute.attname::text AS name
FROM pg_attribute AS attribute
WHERE
    attribute.attrelid = 'clusters'::regclass
    AND attribute.attnum > 0
    AND attribute.attnotnull
    AND NOT attribute.atthasdef
    AND NOT attribute.attisdropped
    AND attribute.attidentity = ''
    AND attribute.attname NOT IN (
        'id', 'status', 'photos_count', 'centroid', 'run_id', 'created_at', 'updated_at'
    )
    AND (
        %(unscoped)s::boolean
        OR NOT EXISTS (
            SELECT FROM pg_rewrite AS rule
            INNER JOIN pg_depend AS used ON rule.oid = used.objid
            WHERE
                rule.ev_class = 'scoped_clusters'::regclass
                AND used.classid = 'pg_rewrite'::regclass
                AND used.refobjid = attribute.attrelid
                AND used.refobjsubid = attribute.attnum
        )
    )
ORDER BY attribute.attnum;
