"""The statements of the benchmarks: `benchmarks/sql/*.sql`, one a file."""

from pathlib import Path

SQL_FOLDER = Path(__file__).resolve().parent / "sql"


def statement(name: str) -> str:
    """The text of `sql/<name>.sql`."""
    return (SQL_FOLDER / f"{name}.sql").read_text(encoding="utf-8")
