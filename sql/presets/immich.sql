-- The photos that Immich (from 1.136 on) shows in timeline and archive: nothing deleted, hidden or locked.
SELECT
    smart_search."assetId" AS key,
    smart_search.embedding,
    asset."originalPath" AS path,
    asset."ownerId" AS owner,
    smart_search.xmin AS version
FROM smart_search
INNER JOIN asset ON smart_search."assetId" = asset.id
WHERE
    asset."deletedAt" IS NULL
    AND asset.status = 'active'
    AND asset.type = 'IMAGE'
    AND asset.visibility IN ('timeline', 'archive');
