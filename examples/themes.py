"""Clusters the sample library, and says what each cluster shows.

Before, in the same folder: `make cluster`, or `fluffy-sql migrate` and `fluffy-sql sample`.
"""

from collections import Counter

from fluffy_sql import open_library

with open_library() as library:
    library.generate(k=12, recluster=True)
    for cluster in library.clusters():
        # The folder of a picture is what it was drawn to show.
        folders = Counter(str(photo.path).split("/")[0] for photo in library.members(cluster.id))
        [(theme, photos)] = folders.most_common(1)
        print(f"cluster {cluster.id}: {photos} of {cluster.photos_count} photos show {theme}")
