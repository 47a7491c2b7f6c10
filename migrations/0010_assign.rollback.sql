-- A trigger that an application made of place_new_photo has to be dropped first, by whoever made it.

DROP FUNCTION place_new_photo();

DROP FUNCTION assign_photo(bigint, double precision);

DROP FUNCTION nearest_active_cluster(vector, double precision);

ALTER TABLE cluster_runs DROP COLUMN placed_at;

ALTER TABLE cluster_quality DROP COLUMN distance_percentiles;
