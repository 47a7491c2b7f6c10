-- Opens the record of a run that undoes another, with the settings of that.
-- Parameters: run_id bigint (to be undone), tool_version text
-- Returns: id.
INSERT INTO cluster_runs (
    kind, phase, algorithm, metric, seed, k_requested, settings, tool_version, postgres_version, pgvector_version,
    photos_eligible, dimensions
)
SELECT
    'undo' AS kind,
    'commit' AS phase,
    algorithm,
    metric,
    seed,
    k_requested,
    settings,
    %(tool_version)s::text AS tool_version,
    postgres_version,
    pgvector_version,
    photos_moved AS photos_eligible,
    dimensions
FROM cluster_runs
WHERE id = %(run_id)s::bigint
RETURNING id;
