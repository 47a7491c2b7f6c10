-- Triggers go with their function: DROP TRIGGER would take the owner of photos, and making one takes less.

DROP FUNCTION fluffy_sql_count_photos() CASCADE;

DROP FUNCTION fluffy_sql_count_cluster() CASCADE;

DO $$
BEGIN
    IF EXISTS (
        SELECT FROM fluffy_sql_created_objects
        WHERE table_name = 'clusters' AND (kind, name) IN (('table', 'clusters'), ('column', 'photos_count'))
    ) THEN
        COMMENT ON COLUMN clusters.photos_count IS 'How many photos have this cluster_id, as of the run that wrote it.';
    END IF;
END
$$;
