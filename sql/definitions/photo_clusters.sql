-- Only in an attached library: the cluster of each photo by its key in the source, to be joined with anything. Over our
-- own tables alone.
DO $do$
BEGIN
    EXECUTE format(
        'CREATE OR REPLACE VIEW photo_clusters AS SELECT %s, photo.cluster_id, photo.id AS photo_id'
        ' FROM source_keys AS known INNER JOIN photos AS photo ON known.photo_id = photo.id',
        (
            SELECT string_agg('known.' || listed.name, ', ')
            FROM attached_source CROSS JOIN unnest(columns) AS listed (name)
            WHERE listed.name LIKE 'key%'
        )
    );
END
$do$;

COMMENT ON VIEW photo_clusters IS
'The cluster of each photo of an attached library (null: none), by the key that the source has for it; as of the last run. Example: SELECT cluster_id, count(*) FROM photo_clusters GROUP BY cluster_id;';
COMMENT ON COLUMN photo_clusters.photo_id IS 'What views and functions of fluffy_sql call the photo.';
