-- Records one Lloyd step.
-- Parameters: run_id bigint, step integer, phase text, batch_size bigint, inertia double precision,
--   centroid_movement double precision, seconds double precision
-- Returns: nothing.
INSERT INTO cluster_run_steps (run_id, step, phase, batch_size, inertia, centroid_movement, seconds)
VALUES (
    %(run_id)s::bigint,
    %(step)s::integer,
    %(phase)s::text,
    %(batch_size)s::bigint,
    %(inertia)s::double precision,
    %(centroid_movement)s::double precision,
    %(seconds)s::double precision
);
