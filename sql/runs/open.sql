-- Opens the record of a run.
-- Parameters: run_id bigint, kind text, algorithm text, metric text, seed bigint, k_requested integer, settings jsonb,
--   tool_version text, postgres_version text, pgvector_version text, photos_eligible bigint, dimensions integer
-- Returns: nothing.
INSERT INTO cluster_runs (
    id, kind, algorithm, metric, seed, k_requested, settings, tool_version, postgres_version, pgvector_version,
    photos_eligible, dimensions
)
OVERRIDING SYSTEM VALUE
VALUES (
    %(run_id)s::bigint,
    %(kind)s::text,
    %(algorithm)s::text,
    %(metric)s::text,
    %(seed)s::bigint,
    %(k_requested)s::integer,
    %(settings)s::jsonb,
    %(tool_version)s::text,
    %(postgres_version)s::text,
    %(pgvector_version)s::text,
    %(photos_eligible)s::bigint,
    %(dimensions)s::integer
);
