-- What run.sql grants, and the table that has the moves where photos are distributed: apply it on the coordinator in
-- place of run.sql.
--
--   fluffy-sql psql -v role=NAME -f docs/grants/run_on_citus.sql

SET citus.multi_shard_modify_mode TO 'sequential';

\set ON_ERROR_STOP on
\ir run.sql

GRANT SELECT, INSERT, DELETE ON cluster_run_photo_moves TO :"role";
