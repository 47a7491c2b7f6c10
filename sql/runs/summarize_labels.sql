-- What an algorithm gave some labels: the photos of each, whose they are, and their mean, of unit vectors under cosine.
-- Parameters: labels integer[], normalize boolean
-- Returns: label, scope, photos, mean; a row for each label and scope.
SELECT
    assignment.label,
    usable.scope,
    count(*) AS photos,
    avg(photo.embedding) AS mean
FROM work_assignments AS assignment
INNER JOIN usable_photos AS usable ON assignment.photo_id = usable.id
CROSS JOIN LATERAL (SELECT comparable_embedding(usable.embedding, %(normalize)s::boolean) AS embedding LIMIT 1) AS photo
WHERE assignment.label = any(%(labels)s::integer[])
GROUP BY assignment.label, usable.scope;
