-- Makes the table that labels come back into.
-- Returns: nothing.
CREATE TEMPORARY TABLE labels (
    photo_id bigint NOT NULL,
    cluster_id bigint NOT NULL
) ON COMMIT DROP;
