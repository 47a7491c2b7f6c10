"""Clusters an array of embeddings, lists the clusters, and places photos that come later.

DATABASE_URL names the database, an empty one to try it; if it is unset, it is the embedded server.
"""

import numpy as np

from fluffy_sql import open_library

# In place of a vision model: points around five directions, 40 of each.
generator = np.random.default_rng(0)
directions = generator.normal(size=(5, 64))
embeddings = directions.repeat(40, axis=0) + 0.5 * generator.normal(size=(200, 64))
paths = [f"holidays/{number:03}.jpg" for number in range(200)]

with open_library() as library:
    library.migrate()
    library.import_array(paths, embeddings)
    result = library.generate(k=5, seed=1)
    clusters, photos = result.clusters_created, result.photos_processed
    print(f"Run {result.run_id}: {photos} photos in {clusters} clusters")
    for cluster in library.clusters():
        nearest = ", ".join(str(photo.path) for photo in library.members(cluster.id, limit=3))
        print(f"cluster {cluster.id}: {cluster.photos_count} photos, such as {nearest}")

    library.import_array(["new.jpg"], embeddings[:1])
    placed = library.assign(within=95)
    print(f"Placed {placed.photos_assigned} new photo in cluster {placed.moves[0].to_cluster_id}")
