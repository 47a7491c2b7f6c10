-- Says what is to be clustered. A user replaces it (CREATE OR REPLACE VIEW usable_photos AS ...) to say what
-- "usable" means; a view of that name that was here before is kept.
-- depends: 0002_cluster_runs

DO $$
BEGIN
    IF to_regclass('usable_photos') IS NULL THEN
        CREATE VIEW usable_photos AS SELECT id, path, embedding, cluster_id FROM photos;
        COMMENT ON VIEW usable_photos IS
            'The photos that fluffy_sql looks at: all, until you replace the view. Keep the columns id, path, embedding, cluster_id.';
        INSERT INTO fluffy_sql_created_objects (kind, table_name, name)
        VALUES ('view', 'usable_photos', 'usable_photos');
    END IF;
END
$$;
