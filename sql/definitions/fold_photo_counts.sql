-- Adds to photos_count what count_photos wrote down, of clusters that nobody has locked; the rest is left to the next
-- one. Called as a transaction that moved photos commits, so its locks last for a moment only: nobody waits for a
-- cluster because somebody else has moved a photo and not committed yet.
-- In a transaction of a higher isolation it does nothing: a count that changed since the snapshot would fail it.
DO $do$
BEGIN
    EXECUTE format($create$
        CREATE OR REPLACE FUNCTION fold_photo_counts() RETURNS void
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
        AS $function$
        <<here>>
        DECLARE
            cluster_ids bigint[];
        BEGIN
            IF
                current_setting('transaction_isolation') IN ('repeatable read', 'serializable')
                OR NOT %1$s.library_is_whole()
            THEN
                RETURN;
            END IF;
            -- a line for all clusters becomes one for each
            DELETE FROM %1$s.photo_count_changes AS change
            WHERE change.id IN (
                SELECT everything.id
                FROM %1$s.photo_count_changes AS everything
                WHERE everything.cluster_id IS NULL
                FOR UPDATE SKIP LOCKED
            );
            IF FOUND THEN
                INSERT INTO %1$s.photo_count_changes (cluster_id, photos)
                SELECT cluster.id, NULL FROM %2$s AS cluster;
            END IF;
            SELECT array_agg(locked.id) INTO here.cluster_ids
            FROM (
                SELECT cluster.id
                FROM %2$s AS cluster
                WHERE cluster.id IN (SELECT change.cluster_id FROM %1$s.photo_count_changes AS change)
                ORDER BY cluster.id
                FOR NO KEY UPDATE SKIP LOCKED
            ) AS locked;
            -- not where there is nothing to do: an UPDATE of no row would wait for a run that has the table locked
            IF here.cluster_ids IS NOT NULL THEN
                WITH taken AS (
                    DELETE FROM %1$s.photo_count_changes AS change
                    WHERE change.cluster_id = ANY (here.cluster_ids)
                    RETURNING change.cluster_id, change.photos
                )
                UPDATE %2$s AS cluster
                SET photos_count = counted.photos
                FROM (
                    SELECT
                        own.id,
                        CASE
                            -- photos and what was taken are seen as of one moment
                            WHEN net.to_be_counted
                                THEN (SELECT count(*) FROM %3$s AS photo WHERE photo.cluster_id = own.id)
                            ELSE coalesce(own.photos_count, 0) + net.photos
                        END AS photos
                    FROM (
                        SELECT
                            taken.cluster_id,
                            sum(taken.photos) AS photos,
                            bool_or(taken.photos IS NULL) AS to_be_counted
                        FROM taken
                        GROUP BY taken.cluster_id
                    ) AS net
                    INNER JOIN %2$s AS own ON net.cluster_id = own.id
                ) AS counted
                WHERE cluster.id = counted.id AND coalesce(cluster.photos_count, 0) <> counted.photos;
            END IF;
            DELETE FROM %1$s.photo_count_changes AS change
            WHERE change.id IN (
                SELECT orphan.id
                FROM %1$s.photo_count_changes AS orphan
                WHERE NOT EXISTS (SELECT FROM %2$s AS cluster WHERE cluster.id = orphan.cluster_id)
                FOR UPDATE SKIP LOCKED
            );
        END
        $function$
    $create$, quote_ident(current_setting('fluffy_sql.schema')), application_table('clusters'), application_table('photos'));
END
$do$;

COMMENT ON FUNCTION fold_photo_counts() IS
'Adds to clusters.photos_count what triggers wrote down, of clusters that nobody has locked. Example: SELECT fold_photo_counts();';
