"""Embeddings that another program computed: into the table `photos`."""

from fluffy_sql.operations.importing.service import ImportResult, import_array, import_photos

__all__ = ["ImportResult", "import_array", "import_photos"]
