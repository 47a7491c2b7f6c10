-- Takes back what a recluster retired and what it brought back.
-- Parameters: run_id bigint
-- Returns: nothing; the row count is the clusters that are retired again.
WITH active_again AS ( -- noqa: ST03
    DELETE FROM retired_clusters
    WHERE retired_by = %(run_id)s::bigint
)

UPDATE retired_clusters
SET returned_by = NULL
WHERE returned_by = %(run_id)s::bigint;
