-- What is measured of each cluster: the mean of its photos, their mean distance from it (spread) and the sum of its
-- squares (scatter), and the mean silhouette of those whose silhouette was measured.
-- Returns: nothing.
CREATE UNLOGGED TABLE fluffy_sql_work.measured_clusters (
    label integer PRIMARY KEY,
    photos bigint NOT NULL,
    mean vector NOT NULL,
    spread double precision NOT NULL,
    scatter double precision NOT NULL,
    photos_measured bigint NOT NULL,
    silhouette double precision,
    davies_bouldin double precision
) WITH (toast_tuple_target = 8160);
