-- photo_nearest_clusters stands on vector_nearest_clusters, and most on centroid_distance.

DROP FUNCTION photo_nearest_clusters(bigint, bigint);

DROP FUNCTION vector_nearest_clusters(vector, bigint);

DROP FUNCTION cluster_neighbors(bigint, bigint);

DROP FUNCTION cluster_random_photos(bigint, bigint, bigint);

DROP FUNCTION cluster_outermost_photos(bigint, bigint);

DROP FUNCTION cluster_central_photos(bigint, bigint);

DROP FUNCTION centroid_distance(vector, vector, text);
