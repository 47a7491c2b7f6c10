-- Makes the clusters that labels name, for photos.cluster_id to refer to.
-- Returns: nothing; the row count is the clusters made.
INSERT INTO clusters (id)
SELECT DISTINCT cluster_id FROM labels;
