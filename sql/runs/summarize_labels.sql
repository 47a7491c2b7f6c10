-- What an algorithm labelled: the photos of each label, whose they are, and their mean, of unit vectors under cosine.
-- Parameters: normalize boolean
-- Returns: label, scope, photos, mean; a row for each label and scope.
SELECT
    assignment.label,
    usable.scope,
    count(*) AS photos,
    avg(photo.embedding) AS mean
FROM work_assignments AS assignment
INNER JOIN usable_photos AS usable ON assignment.photo_id = usable.id
CROSS JOIN
    LATERAL (
        SELECT
            CASE
                WHEN %(normalize)s::boolean THEN l2_normalize(usable.embedding)
                ELSE vector(usable.embedding, -1, FALSE)
            END AS embedding
        LIMIT 1
    ) AS photo
GROUP BY assignment.label, usable.scope;
