-- Sets aside the photos that go where another one of their group goes, which is the best of those that are to be
-- clustered.
-- Parameters: clustered boolean (also those in a cluster)
-- Returns: scope (null: unscoped), photos; a row for each scope that has some.
WITH following AS (
    SELECT
        member.photo_id,
        member.scope,
        first_value(member.photo_id) OVER (PARTITION BY member.group_id ORDER BY member.rank) AS best_id
    FROM current_duplicates AS member
    INNER JOIN usable_photos AS usable ON member.photo_id = usable.id
    WHERE %(clustered)s::boolean OR usable.cluster_id IS NULL
),

written AS (
    INSERT INTO work_duplicates (photo_id, best_id)
    SELECT
        photo_id,
        best_id
    FROM following
    WHERE photo_id != best_id
)

SELECT
    scope,
    count(*) AS photos
FROM following
WHERE photo_id != best_id
GROUP BY scope;
