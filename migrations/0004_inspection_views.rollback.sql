-- The overview stands on the members.

DROP VIEW cluster_run_overview;

DROP VIEW cluster_overview;

DROP VIEW cluster_members;
