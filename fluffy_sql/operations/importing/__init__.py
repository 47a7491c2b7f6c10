"""Embeddings that another program computed: into the table `photos`."""

from fluffy_sql.operations.importing.readers import find_file
from fluffy_sql.operations.importing.service import ImportResult, import_array, import_photos
from fluffy_sql.operations.importing.source import KINDS

__all__ = ["KINDS", "ImportResult", "find_file", "import_array", "import_photos"]
