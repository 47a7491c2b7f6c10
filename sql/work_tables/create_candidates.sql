-- The photos that a run may place, by scope and in the order of their ids, and the cluster each is in. UNLOGGED and not
-- temporary, for the reasons of create_assignments.
-- Returns: nothing.
CREATE UNLOGGED TABLE fluffy_sql_work.candidates (
    position bigint PRIMARY KEY,
    photo_id bigint NOT NULL,
    cluster_id bigint,
    scope bigint
);
