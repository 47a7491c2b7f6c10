"""Cluster the embeddings of a photo library where they live: in Postgres, with pgvector.

from fluffy_sql import open_library

with open_library("postgresql://me@localhost/photos") as library:
    library.migrate()
    library.generate(k=50)
    for cluster in library.clusters():
        print(cluster.id, cluster.name, cluster.photos_count)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fluffy_sql.api import *  # noqa: F403 - what its __all__ lists

    __version__: str
else:
    # Loaded when something is asked for: every module imports the package.
    def __getattr__(name: str) -> Any:
        if name == "__version__":
            return import_module("importlib.metadata").version("fluffy_sql")
        if name == "__all__" or (not name.startswith("_") and name in __dir__()):
            return getattr(import_module("fluffy_sql.api"), name)
        raise AttributeError(f"module 'fluffy_sql' has no attribute {name!r}")

    def __dir__() -> list[str]:
        return import_module("fluffy_sql.api").__all__
