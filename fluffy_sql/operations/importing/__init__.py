"""Embeddings that another program computed: from files into the table `photos`."""

from fluffy_sql.operations.importing.service import ImportResult, import_photos

__all__ = ["ImportResult", "import_photos"]
