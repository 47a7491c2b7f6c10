-- Says which column of clusters has the scope: the one that was named, whatever it is called by now, an owner's, or one
-- that is added.
DO $$
DECLARE
    named text := (
        SELECT attname FROM definitions
        INNER JOIN pg_attribute
            ON attrelid = 'clusters'::regclass AND scope_column IS NOT NULL AND NOT attisdropped
            AND (attname = scope_column OR attnum = scope_number)
        ORDER BY attname = scope_column DESC
        LIMIT 1
    );
    owner_columns text[] := (
        SELECT array_agg(DISTINCT of_cluster.attname::text)
        FROM pg_constraint AS cluster_key
        INNER JOIN pg_attribute AS of_cluster
            ON of_cluster.attrelid = cluster_key.conrelid AND of_cluster.attnum = cluster_key.conkey[1]
        INNER JOIN pg_constraint AS photo_key ON cluster_key.confrelid = photo_key.confrelid
        INNER JOIN pg_attribute AS of_photo
            ON of_photo.attrelid = photo_key.conrelid AND of_photo.attnum = photo_key.conkey[1]
        WHERE
            cluster_key.conrelid = 'clusters'::regclass
            AND photo_key.conrelid = 'photos'::regclass
            AND cluster_key.contype = 'f'
            AND photo_key.contype = 'f'
            AND cardinality(cluster_key.conkey) = 1
            AND cardinality(photo_key.conkey) = 1
            AND of_cluster.attname = of_photo.attname
            AND of_cluster.attnotnull
            AND of_cluster.atttypid IN ('bigint'::regtype, 'integer'::regtype)
    );
BEGIN
    IF named IS NOT NULL THEN
        PERFORM scope_clusters_by(named);
    ELSIF cardinality(owner_columns) = 1 THEN
        PERFORM scope_clusters_by(owner_columns[1]);
    ELSE
        IF NOT EXISTS (
            SELECT FROM pg_attribute WHERE attrelid = 'clusters'::regclass AND attname = 'scope' AND NOT attisdropped
        ) THEN
            ALTER TABLE clusters ADD COLUMN scope bigint;
            COMMENT ON COLUMN clusters.scope IS
                'Whose photos it holds, as usable_photos says. Null: unscoped. Made by fluffy_sql.';
        END IF;
        PERFORM scope_clusters_by('scope');
    END IF;
END
$$;
