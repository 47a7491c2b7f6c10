-- The column of clusters that has the scope is named here alone: an application may have its own. A function makes
-- clusters, as a view that could be written to would keep an application from changing the types of its columns. As
-- SECURITY INVOKER, for whoever calls it has to own both tables.
CREATE OR REPLACE FUNCTION scope_clusters_by(column_name text)
RETURNS void
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
BEGIN
    UPDATE definitions
    SET scope_column = found.attname, scope_number = found.attnum
    FROM pg_attribute AS found
    WHERE
        found.attrelid = 'clusters'::regclass
        AND found.attname = $1
        AND (definitions.scope_column, definitions.scope_number) IS DISTINCT FROM (found.attname::text, found.attnum);
    EXECUTE format(
        'CREATE OR REPLACE VIEW scoped_clusters AS'
        -- an adopted table may keep its status as text
        ' SELECT cluster.id, cluster.scope, cluster.status::text = ''0'' AND retired.cluster_id IS NULL AS active,'
        ' retired.retired_by'
        ' FROM (SELECT id, status, %1$I AS scope FROM clusters) AS cluster'
        ' LEFT JOIN retired_clusters AS retired ON cluster.id = retired.cluster_id AND retired.returned_by IS NULL',
        $1
    );
    IF EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'clusters'::regclass AND tgname = 'fluffy_sql_guard_cluster') THEN
        EXECUTE format(
            'CREATE OR REPLACE TRIGGER fluffy_sql_guard_cluster AFTER UPDATE ON clusters'
            ' FOR EACH ROW WHEN (OLD.%1$I IS DISTINCT FROM NEW.%1$I) EXECUTE FUNCTION guard_cluster()',
            $1
        );
    END IF;
    EXECUTE format(
        $create$
            CREATE OR REPLACE FUNCTION make_clusters(run_id bigint, centroids vector[], scopes bigint[])
            RETURNS SETOF bigint
            LANGUAGE plpgsql
            SET search_path FROM CURRENT
            AS $function$
            BEGIN
                RETURN QUERY
                INSERT INTO clusters (status, photos_count, centroid, run_id, %1$I, created_at, updated_at)
                SELECT 0, 0, made.centroid, $1, made.scope, now(), now()
                FROM unnest($2, $3) WITH ORDINALITY AS made (centroid, scope, place)
                ORDER BY made.place
                RETURNING clusters.id::bigint;
            END
            $function$
        $create$,
        $1
    );
    COMMENT ON VIEW scoped_clusters IS
        'The scope of each cluster, by whatever column of clusters that is (see scope_clusters_by), whether it takes photos (its status is 0, and no recluster retired it), and the run that retired it. Example: SELECT scope, count(*) FROM scoped_clusters GROUP BY scope;';
    COMMENT ON FUNCTION make_clusters IS
        'Makes clusters of a run, with these centroids and scopes and in their order; gives their ids. For runs of fluffy_sql.';
END
$$;

COMMENT ON FUNCTION scope_clusters_by(text) IS
'Says which column of clusters has the scope. Migrate does it: a column that must not be null and refers to the same table as the column of that name in photos, else scope. Example: SELECT scope_clusters_by(''scope'');';
