-- Closes the record of a run that succeeded; part of the final transaction.
-- Parameters: run_id bigint, photos_processed bigint, photos_moved bigint, skipped jsonb, clusters_created integer,
--   clusters_kept integer, inertia double precision, iterations integer, converged boolean,
--   recall double precision, silhouette double precision, davies_bouldin double precision,
--   calinski_harabasz double precision, smallest_cluster bigint, largest_cluster bigint,
--   photos_measured bigint, embeddings_digest text, scopes integer, seconds jsonb
-- Returns: nothing.
UPDATE cluster_runs
SET
    status = 'succeeded',
    photos_processed = %(photos_processed)s::bigint,
    photos_moved = %(photos_moved)s::bigint,
    skipped = %(skipped)s::jsonb,
    clusters_created = %(clusters_created)s::integer,
    clusters_kept = %(clusters_kept)s::integer,
    inertia = %(inertia)s::double precision,
    iterations = %(iterations)s::integer,
    converged = %(converged)s::boolean,
    recall = %(recall)s::double precision,
    silhouette = %(silhouette)s::double precision,
    davies_bouldin = %(davies_bouldin)s::double precision,
    calinski_harabasz = %(calinski_harabasz)s::double precision,
    smallest_cluster = %(smallest_cluster)s::bigint,
    largest_cluster = %(largest_cluster)s::bigint,
    photos_measured = %(photos_measured)s::bigint,
    embeddings_digest = %(embeddings_digest)s::text,
    scopes = %(scopes)s::integer,
    seconds = %(seconds)s::jsonb,
    finished_at = statement_timestamp()
WHERE id = %(run_id)s::bigint;
