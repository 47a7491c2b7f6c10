-- The record of runs loses what was measured.

ALTER TABLE cluster_runs DROP COLUMN recall;
