-- Writes groups of near-duplicates, the best photo of each first: the one with most pixels, of those the one with the
-- largest file, if these are known; then the one nearest to the middle of its group, then the one with the lowest id.
-- Nearness counts in thousandths of the farthest, so that rounding decides nothing: the two of a pair are as near.
-- A photo whose row has changed since it was noted is left out; so is a photo that is then alone in its group.
-- Parameters: positions integer[] (of photos in work_drawn), groups integer[] (the number of each one's group),
--   normalize boolean, dimensions integer
-- Returns: nothing; the row count is the photos.
WITH noted AS MATERIALIZED (
    SELECT
        member.number,
        drawn.photo_id,
        assigned.row_version
    FROM unnest(%(positions)b::integer[], %(groups)b::integer[]) AS member (position, number)
    INNER JOIN work_drawn AS drawn ON member.position = drawn.position
    INNER JOIN work_assignments AS assigned ON drawn.photo_id = assigned.photo_id
),

members AS MATERIALIZED (
    SELECT
        noted.number,
        noted.photo_id,
        photo.embedding,
        photo.embedding_hash
    FROM noted
    CROSS JOIN
        LATERAL (
            SELECT
                comparable_embedding(fetched.embedding, %(normalize)s::boolean) AS embedding,
                hash_array_extended(fetched.embedding::real[], 0) AS embedding_hash
            FROM photos AS stored
            INNER JOIN usable_photos AS usable ON stored.id = usable.id
            CROSS JOIN LATERAL unnest(ARRAY[usable.embedding]) AS fetched (embedding)
            WHERE stored.id = noted.photo_id AND usable.id = noted.photo_id AND stored.xmin = noted.row_version
            OFFSET 0
        ) AS photo
    WHERE vector_dims(photo.embedding) = %(dimensions)s::integer
)

INSERT INTO photo_duplicates (photo_id, group_id, rank, distance, embedding_hash)
SELECT
    ranked.photo_id,
    ranked.best_id AS group_id,
    ranked.rank,
    CASE WHEN %(normalize)s::boolean THEN ranked.apart * ranked.apart / 2 ELSE ranked.apart END AS distance,
    ranked.embedding_hash
FROM (
    SELECT
        measured.photo_id,
        measured.embedding_hash,
        first_value(measured.photo_id) OVER best_first AS best_id,
        row_number() OVER best_first AS rank,
        measured.embedding <-> first_value(measured.embedding) OVER best_first AS apart,
        count(*) OVER (PARTITION BY measured.number) AS photos
    FROM (
        SELECT
            own.*,
            file.width::bigint * file.height AS pixels,
            file.bytes,
            round(
                (
                    1000 * (own.embedding <-> middle.embedding)
                    / nullif(max(own.embedding <-> middle.embedding) OVER (PARTITION BY own.number), 0)
                )::numeric
            ) AS from_middle
        FROM members AS own
        INNER JOIN (
            SELECT
                number,
                avg(embedding) AS embedding
            FROM members
            GROUP BY number
        ) AS middle ON own.number = middle.number
        LEFT JOIN photo_files AS file ON own.photo_id = file.photo_id
    ) AS measured
    WINDOW best_first AS (
        PARTITION BY measured.number
        ORDER BY
            measured.pixels DESC NULLS LAST,
            measured.bytes DESC NULLS LAST,
            measured.from_middle ASC,
            measured.photo_id ASC
    )
) AS ranked
WHERE ranked.photos > 1;
