-- How good the clusters of a run are: measures of the run and of each cluster, kept when clusters go, so that runs
-- can be compared.
-- depends: 0005_recall

ALTER TABLE cluster_runs ADD COLUMN silhouette double precision,
ADD COLUMN davies_bouldin double precision,
ADD COLUMN calinski_harabasz double precision,
ADD COLUMN smallest_cluster bigint,
ADD COLUMN largest_cluster bigint,
ADD COLUMN photos_measured bigint;

COMMENT ON COLUMN cluster_runs.silhouette IS
'Simplified silhouette (Hruschka 2004), the mean over photos of 1 - own / other, own and other being the distances to the own and to the nearest other centroid: 0 (between clusters) to 1 (far from all others). Null: one cluster only, or not measured.';
COMMENT ON COLUMN cluster_runs.davies_bouldin IS
'Davies-Bouldin index (1979): the mean over clusters of how wide a cluster and its worst neighbour are for their distance. Small is good. Null: one cluster only, or not measured.';
COMMENT ON COLUMN cluster_runs.calinski_harabasz IS
'Calinski-Harabasz index (1974): the variance between clusters over that within, each by its degrees of freedom. Large is good; grows with the number of photos. Null as for silhouette, or as many clusters as photos.';
COMMENT ON COLUMN cluster_runs.smallest_cluster IS 'Photos in the smallest cluster when the run ended.';
COMMENT ON COLUMN cluster_runs.largest_cluster IS 'Photos in the largest cluster when the run ended.';
COMMENT ON COLUMN cluster_runs.photos_measured IS
'Photos of the sample that the silhouette was measured on; all other measures are those of all photos.';

COMMENT ON COLUMN cluster_runs.phase IS
'What the run was last doing: survey, sample, seed, refine, train, assign, measure, commit.';

CREATE TABLE cluster_quality (
    run_id bigint NOT NULL REFERENCES cluster_runs (id) ON DELETE CASCADE,
    cluster_id bigint NOT NULL,
    photos bigint NOT NULL,
    mean_distance double precision NOT NULL,
    max_distance double precision NOT NULL,
    silhouette double precision,
    davies_bouldin double precision,
    photos_measured bigint NOT NULL,
    PRIMARY KEY (run_id, cluster_id)
);

COMMENT ON TABLE cluster_quality IS
'How good each cluster of a run was when the run ended. Example: SELECT * FROM cluster_quality WHERE run_id = 1 ORDER BY silhouette LIMIT 5;';
COMMENT ON COLUMN cluster_quality.cluster_id IS
'The cluster. No foreign key: what a run measured stays when its clusters are deleted for a better one.';
COMMENT ON COLUMN cluster_quality.photos IS 'Photos in the cluster.';
COMMENT ON COLUMN cluster_quality.mean_distance IS
'Mean distance of its photos to its centroid, in the metric of the run: cosine distance, or Euclidean under l2.';
COMMENT ON COLUMN cluster_quality.max_distance IS 'Distance of the photo that fits it least, in the metric of the run.';
COMMENT ON COLUMN cluster_quality.silhouette IS
'Mean simplified silhouette of its photos: near 0 where they lie as near to another centroid. Null: not measured.';
COMMENT ON COLUMN cluster_quality.davies_bouldin IS
'How wide it and its worst neighbour are for their distance: above 1 or 2 the two can hardly be told apart. Null: not measured.';
COMMENT ON COLUMN cluster_quality.photos_measured IS
'Photos of the sample that its silhouette was measured on; may be 0 in a small cluster.';

CREATE OR REPLACE VIEW cluster_run_overview AS
SELECT
    run.id,
    run.status,
    run.phase,
    run.algorithm,
    run.metric,
    run.seed,
    run.k_requested,
    run.clusters_created,
    run.photos_eligible,
    run.photos_processed,
    run.inertia,
    run.inertia / nullif(run.photos_processed, 0) AS inertia_per_photo,
    run.iterations,
    run.converged,
    run.started_at,
    coalesce(run.finished_at, clock_timestamp()) - run.started_at AS duration,
    run.started_by,
    run.error,
    run.silhouette,
    run.davies_bouldin,
    run.calinski_harabasz,
    run.smallest_cluster,
    run.largest_cluster
FROM cluster_runs AS run;

COMMENT ON VIEW cluster_run_overview IS
'The runs, with how good their clusters were. Example: SELECT * FROM cluster_run_overview ORDER BY id DESC LIMIT 5; a run that goes on has status running, and its steps are in cluster_run_steps.';
