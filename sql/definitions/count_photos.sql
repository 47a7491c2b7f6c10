-- Fired by every statement on photos: writes down how the counts of clusters change, and waits for nobody.
--
-- As its owner, since whoever may write to photos need not be allowed to write here. So nothing in it may depend on a
-- caller's search_path: it is pinned, and tables are named with the schema that they are in. So it is in the other
-- functions that act as their owner. Columns and variables are qualified, since an adopted table may have a column of
-- any name.
--
-- Each line is a change of one cluster; the first of a statement has it folded into photos_count when the transaction
-- ends (fold_photo_counts).
DO $do$
BEGIN
    EXECUTE format($create$
        CREATE OR REPLACE FUNCTION count_photos() RETURNS trigger
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
        AS $function$
        BEGIN
            -- by itself: an expression with names that are not there is refused whole
            IF to_regprocedure('%1$s.library_is_whole()') IS NULL THEN
                RETURN NULL;
            END IF;
            IF NOT %1$s.library_is_whole() THEN
                RETURN NULL;
            END IF;
            CASE TG_OP
                WHEN 'INSERT' THEN
                    INSERT INTO %1$s.photo_count_changes (cluster_id, photos)
                    SELECT new_photos.cluster_id, count(*)
                    FROM new_photos
                    WHERE new_photos.cluster_id IS NOT NULL
                    GROUP BY new_photos.cluster_id;
                WHEN 'DELETE' THEN
                    INSERT INTO %1$s.photo_count_changes (cluster_id, photos)
                    SELECT old_photos.cluster_id, -count(*)
                    FROM old_photos
                    WHERE old_photos.cluster_id IS NOT NULL
                    GROUP BY old_photos.cluster_id;
                WHEN 'UPDATE' THEN
                    INSERT INTO %1$s.photo_count_changes (cluster_id, photos)
                    SELECT moved.cluster_id, sum(moved.photos)
                    FROM (
                        SELECT new_photos.cluster_id, 1 AS photos FROM new_photos
                        UNION ALL
                        SELECT old_photos.cluster_id, -1 AS photos FROM old_photos
                    ) AS moved
                    WHERE moved.cluster_id IS NOT NULL
                    GROUP BY moved.cluster_id
                    HAVING sum(moved.photos) <> 0;
                WHEN 'TRUNCATE' THEN
                    -- The snapshot is older than the lock on the table, and photos that came in between are not in it.
                    IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
                        INSERT INTO %1$s.photo_count_changes (cluster_id, photos) VALUES (NULL, NULL);
                        RETURN NULL;
                    END IF;
                    -- of one partition, maybe: what is left is counted
                    INSERT INTO %1$s.photo_count_changes (cluster_id, photos)
                    SELECT cluster.id, coalesce(member.photos, 0) - counted.photos
                    FROM %2$s AS cluster
                    LEFT JOIN (
                        SELECT photo.cluster_id, count(*) AS photos FROM %3$s AS photo GROUP BY photo.cluster_id
                    ) AS member ON cluster.id = member.cluster_id
                    LEFT JOIN (
                        SELECT change.cluster_id, sum(change.photos) AS photos
                        FROM %1$s.photo_count_changes AS change
                        GROUP BY change.cluster_id
                    ) AS pending ON cluster.id = pending.cluster_id
                    CROSS JOIN LATERAL (
                        SELECT coalesce(cluster.photos_count, 0) + coalesce(pending.photos, 0) AS photos
                    ) AS counted
                    WHERE coalesce(member.photos, 0) <> counted.photos;
            END CASE;
            RETURN NULL;
        END
        $function$
    $create$, quote_ident(current_setting('fluffy_sql.schema')), application_table('clusters'), application_table('photos'));
END
$do$;

COMMENT ON FUNCTION count_photos() IS
'Writes down how the counts of clusters change by a statement on photos; called by the triggers fluffy_sql_count_*.';
