-- The nearest cluster of each photo that a run may place. within_limit is null where that cluster has no known limit.
-- Returns: nothing.
CREATE UNLOGGED TABLE fluffy_sql_work.placements (
    photo_id bigint NOT NULL,
    from_cluster_id bigint,
    to_cluster_id bigint NOT NULL,
    within_limit boolean,
    row_version xid NOT NULL
);
