-- Runs that were killed can no longer be continued.

DROP TABLE cluster_run_checkpoints;
