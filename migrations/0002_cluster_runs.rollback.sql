-- The index and the foreign key go with the column.

ALTER TABLE clusters DROP COLUMN run_id;

DROP TABLE cluster_run_steps;

DROP TABLE cluster_runs;
