-- Only in an attached library: the cluster of each photo by its key in the source, to be joined with anything. Over our
-- own table alone, and from a subquery, so that nobody can write to it through the view.
DO $do$
BEGIN
    EXECUTE format(
        'CREATE OR REPLACE VIEW photo_clusters AS SELECT * FROM (SELECT %s, cluster_id, id AS photo_id FROM photos) AS photo',
        (
            SELECT string_agg(listed.name, ', ')
            FROM attached_source CROSS JOIN unnest(columns) AS listed (name)
            WHERE listed.name LIKE 'key%'
        )
    );
END
$do$;

COMMENT ON VIEW photo_clusters IS
'The cluster of each photo of an attached library (null: none), by the key that the source has for it; as of the last run. Example: SELECT cluster_id, count(*) FROM photo_clusters GROUP BY cluster_id;';
COMMENT ON COLUMN photo_clusters.photo_id IS 'What views and functions of fluffy_sql call the photo.';
